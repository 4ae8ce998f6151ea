import pytest

from d365fo_emulator.journal.redaction import redact_headers, redact_text

SECRET = "hunter2Zz"
SIGNATURE = "aB3%2Fx%2B9hunter2Zz%3D"


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    "text",
    [
        f"grant_type=client_credentials&client_secret={SECRET}&resource=x",
        f"client_secret={SECRET}",
        f"client%5Fsecret={SECRET}&a=b",
        f"CLIENT_SECRET={SECRET}",
        f"a=b&password=x%26{SECRET}&c=d",
        f'a=b&password=it\'s "{SECRET}" <here>&c=d',
        f"client_assertion_type=urn&client_assertion={SECRET}",
        f'{{"access_token": "{SECRET}", "expires_in": "3599"}}',
        f'{{"access_token":"{SECRET}',
        f'{{"refresh_token" : "a\\"{SECRET}"}}',
        f"{{'password': '{SECRET}'}}",
        f"{{password: {SECRET}}}",
        f'{{"password": 1{SECRET}}}',
        f'{{"value": "{{\\"id_token\\":\\"{SECRET}\\",\\"x\\":1}}"}}',
        f'{{"value": "{{\\"password\\":\\"a\\\\\\"{SECRET}\\"}}"}}',
        f"https://localhost:8443/dev/dmf/x?sv=2014-02-14&sig={SIGNATURE}&st=2026",
        f'{{"BlobUrl": "https://localhost/dmf/x?sv=1&sig={SIGNATURE}&se=2"}}',
        f'{{"value": "{{\\"BlobUrl\\":\\"https://h/x?sv=1\\u0026sig={SIGNATURE}\\u0026se=2\\"}}"}}',
        f"packageUrl=https%3A%2F%2Fh%2Fx%3Fsv%3D1%26sig%3D{SIGNATURE.replace('%', '%25')}%26se%3D2",
        f"u=https%253A%252F%252Fh%253Fsv%253D1%2526sig%253D{SECRET}%2526se%253D2",
        f"https://h/x?SIG={SIGNATURE}",
        f"https%3A%2F%2Fh%2Fx%3fsig%3d{SECRET}",
        f"<url>https://h/x?sv=1&amp;sig={SIGNATURE}</url>",
        f'{{"header": "Authorization: Bearer {SECRET}"}}',
        f"Basic {SECRET}",
        f"token eyJhbGciOiJSUzI1NiJ9.{SECRET}.c2ln was sent",
        f"line\\nclient_secret={SECRET}",
    ],
)
def test_no_writing_of_a_secret_gets_through(text):
    assert SECRET not in redact_text(text)


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("client_id=a&client_secret=s&scope=b", "client_id=a&client_secret=REDACTED&scope=b"),
        ('{"access_token": "s", "expires_in": 1}', '{"access_token": "REDACTED", "expires_in": 1}'),
        ('{"u": "http://h/x?sig=s&se=2", "b": 1}', '{"u": "http://h/x?sig=REDACTED&se=2", "b": 1}'),
        ("u=http%3A%2F%2Fh%3Fsig%3Da%252F%26se%3D2", "u=http%3A%2F%2Fh%3Fsig%3DREDACTED%26se%3D2"),
        ('{"v": "{\\"password\\":\\"s\\",\\"n\\":1}"}',
         '{"v": "{\\"password\\":\\"REDACTED\\",\\"n\\":1}"}'),
    ],
)  # fmt: skip
def test_what_stands_around_a_secret_stays(text, left):
    assert redact_text(text) == left


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "design=blue&signature=none",
        '{"executionId": "x", "definitionGroupId": "Basic customers"}',
        "no tokens here",
        'Bearer authorization_uri="https://login.example/v2", error="invalid_token"',
        '{"passwordless": true, "token_type": "Bearer"}',
    ],
)
def test_a_text_without_secrets_stays_as_it_is(text):
    assert redact_text(text) == text


@pytest.mark.evidence("inferred")
def test_headers_keep_their_names_and_the_scheme_alone():
    headers = [
        ("Authorization", f"Bearer {SECRET}"),
        ("authorization", SECRET),
        ("Cookie", f"a={SECRET}; b=c"),
        ("Set-Cookie", f"a={SECRET}"),
        ("Location", f"https://h/x?sig={SECRET}"),
        ("Accept", "*/*"),
    ]
    assert redact_headers(headers) == (
        ("Authorization", "Bearer REDACTED"),
        ("authorization", "REDACTED"),
        ("Cookie", "REDACTED"),
        ("Set-Cookie", "REDACTED"),
        ("Location", "https://h/x?sig=REDACTED"),
        ("Accept", "*/*"),
    )
