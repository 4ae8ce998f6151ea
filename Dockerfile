# The emulator as a container: built from the checkout, run without rights, on a read-only root.
FROM python:3.12-slim AS build
WORKDIR /build
COPY pyproject.toml README.md LICENSE ./
COPY emulator emulator
RUN python -m venv /opt/emulator
RUN python -m pip wheel --no-deps --wheel-dir /build/dist .
RUN /opt/emulator/bin/python -m pip install --no-cache-dir --no-compile /build/dist/*.whl
# Compiled here, since nothing can be written later.
RUN /opt/emulator/bin/python -m compileall -q /opt/emulator/lib

FROM python:3.12-slim
COPY --from=build /opt/emulator /opt/emulator
RUN groupadd --gid 10001 emulator && useradd --uid 10001 --gid 10001 --no-create-home emulator && install -d -o emulator -g emulator /data
# The ready file lies in the data volume: the user has no home to write to.
ENV PATH=/opt/emulator/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    D365FO_EMULATOR_DATA_DIR=/data \
    D365FO_EMULATOR_READY_FILE=/data/ready.json
USER 10001:10001
VOLUME /data
EXPOSE 8365 8443
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 CMD ["d365fo-emulator", "wait", "--timeout", "2"]
ENTRYPOINT ["d365fo-emulator"]
CMD ["serve", "--host", "0.0.0.0"]
