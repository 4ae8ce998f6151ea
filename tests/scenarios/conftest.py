"""A polling client of the test's own workspace, over http."""

import pytest

import job_tools


@pytest.fixture
def client(d365fo):
    config = d365fo.client_config() | {"resource": d365fo.http_url}
    with job_tools.Client(config, d365fo.http_url) as client:
        yield client
