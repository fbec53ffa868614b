"""nginx with deploy/nginx.conf, in a folder of its own, with ports, a certificate and a password of the tests."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from b24_pipeline_tests.processes import PROJECT, START_SECONDS, free_port, is_listening, started, wait_for

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin:/usr/local/sbin")
CERTIFICATE = PROJECT / "b24_pipeline_tests/alerts/localhost.pem"
AROUND = """daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


def configuration(folder: Path, *, webserver_port: int, port: int) -> Path:
    """Our file as it is, but for the places; gives the file to start nginx with."""
    text = (PROJECT / "deploy/nginx.conf").read_text()
    places = {
        "listen 80;": f"listen 127.0.0.1:{free_port()};",
        "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
        "/etc/ssl/certs/dagster.example.com.pem": str(CERTIFICATE),
        "/etc/ssl/private/dagster.example.com.key": str(CERTIFICATE),
        "file /etc/nginx/b24_pipeline.htpasswd": f"file {folder / 'htpasswd'}",
        "http://127.0.0.1:3000": f"http://127.0.0.1:{webserver_port}",
    }
    for ours, theirs in places.items():
        assert text.count(ours) == 1, ours
        text = text.replace(ours, theirs)
    (folder / "site.conf").write_text(text)
    (folder / "htpasswd").write_text("anna:{PLAIN}secret\n")
    file = folder / "nginx.conf"
    file.write_text(AROUND.format(folder=folder))
    return file


@contextmanager
def nginx(folder: Path, *, webserver_port: int) -> Iterator[int]:
    """Serve; gives the port for HTTPS."""
    port = free_port()
    file = configuration(folder, webserver_port=webserver_port, port=port)
    command = (NGINX or "nginx", "-p", str(folder), "-c", str(file))
    with started(*command, log=folder / "nginx.log") as process:
        wait_for("nginx to take connections", lambda: is_listening(port), seconds=START_SECONDS, process=process)
        yield port
