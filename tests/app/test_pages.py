"""What the server sends as pages: their policy, what they refer to, how much script they bring."""

import re
from html import unescape

import pytest
from fastapi.routing import APIRoute
from jinja2 import UndefinedError

from app.routes.pages import ROUTERS
from app.web.pages import NAVIGATION, code, render
from app.web.vendor import FOLDER, LIST, digest, listed
from tests.app.service import Service
from tests.pages import OF_RECORDS, PAGES, SCRIPT_BUDGET_BYTES, gzipped_bytes, scripts_of

every_page = pytest.mark.parametrize("path", PAGES)


def test_the_tests_look_at_every_page() -> None:
    routes = [route for router in ROUTERS for route in router.routes]
    for route in routes:
        assert isinstance(route, APIRoute)
        looked_at = any(route.path_regex.match(page.partition("?")[0]) for page in PAGES)
        assert looked_at or route.path in OF_RECORDS, route.path


@every_page
def test_a_page_lets_only_our_own_files_act(gallery: Service, path: str) -> None:
    response = gallery.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    policy = dict(one.split(" ", 1) for one in response.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == policy["form-action"] == "'self'"
    assert "unsafe" not in str(policy)


@every_page
def test_a_page_has_nothing_inline(gallery: Service, path: str) -> None:
    text = gallery.get(path).text
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", text)
    for attributes in re.findall(r"<script\b([^>]*)>", text):
        assert "src=" in attributes or 'type="application/json"' in attributes


@every_page
def test_all_that_a_page_refers_to_is_there(gallery: Service, path: str) -> None:
    text = re.sub(r'action="[^"]*" method="post"', "", gallery.get(path).text)
    text = re.sub(r'formaction="[^"]*"', "", text)  # what a button sends needs the fields of its form
    targets = {unescape(one) for one in re.findall(r'(?:href|src|action)="([^"#]+)[^"]*"', text)}
    assert {"/", "/docs", "/favicon.ico", "/static/css/base.css"} <= targets
    for target in targets:
        assert target.startswith(("/", "https://")), target
        if target.startswith("/"):  # a paper, for example, is elsewhere
            assert gallery.get(target).status_code == 200, target


@pytest.mark.parametrize("path", ["/docs", "/learn?lang=zh"])
def test_the_header_and_footer_lead_to_what_people_can_read(gallery: Service, path: str) -> None:
    text = gallery.get(path).text
    frame = text[: text.index("<main")] + text[text.index("</main>") :]
    for target in re.findall(r'<a [^>]*href="(/[^"]*)"', frame):
        page, _, part = unescape(target).partition("#")
        answered = gallery.get(page)
        assert answered.headers["content-type"].startswith("text/html"), target
        assert not part or answered.text.count(f' id="{part}"') == 1, target


def test_browsers_find_the_icon_where_they_look_for_it_by_themselves(gallery: Service) -> None:
    found = gallery.get("/favicon.ico")
    assert (found.status_code, found.headers["content-type"]) == (200, "image/png")
    assert found.content.startswith(b"\x89PNG")
    assert gallery.get("/favicon.ico", headers={"If-None-Match": found.headers["etag"]}).status_code == 304


@every_page
def test_the_scripts_of_a_page_are_small(gallery: Service, path: str) -> None:
    assert gzipped_bytes(scripts_of(gallery.client, path)) <= SCRIPT_BUDGET_BYTES


@every_page
def test_the_header_says_where_one_is(gallery: Service, path: str) -> None:
    here = path.partition("?")[0]
    current = re.findall(r'href="([^"]+)" aria-current="page"', gallery.get(path).text)
    assert current == [one.path for one in NAVIGATION if one.path == here]


def test_a_template_may_not_use_what_it_was_not_told(gallery: Service) -> None:
    with pytest.raises(UndefinedError, match="sections"):
        render(_Request(), "docs", {"here": "", "version": ""})  # type: ignore[arg-type]


class _Request:
    class url:  # noqa: N801
        path = "/docs"


def test_code_in_texts_is_shown_as_such_and_nothing_else_is_taken_for_html() -> None:
    assert code("ask `GET /jobs` & <wait>") == "ask <code>GET /jobs</code> &amp; &lt;wait&gt;"


def test_a_browser_asks_again_for_a_script_that_it_has(gallery: Service) -> None:
    first = gallery.get("/static/css/base.css")
    assert first.headers["cache-control"] == "no-cache"
    again = gallery.get("/static/css/base.css", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304


def test_what_others_wrote_is_what_is_listed() -> None:
    packages = listed()
    names = {name for package in packages for name in package.files}
    assert {path.name for path in FOLDER.iterdir()} == names | {LIST.name}
    for package in packages:
        assert re.fullmatch(r"\d+\.\d+\.\d+", package.version)
        assert f"{package.name}.LICENSE" in package.files
        for name, file in package.files.items():
            assert digest((FOLDER / name).read_bytes()) == file.sha256, name


def test_the_front_page_lists_the_newest_jobs(service: Service) -> None:
    assert "None yet" in service.get("/").text
    ids = [service.queue() for _ in range(12)]
    page = service.get("/").text
    assert re.findall(r'href="/watch/(\w+)"', page) == ids[:-11:-1]
    assert "0 of 10" in page


def test_one_training_has_nothing_to_be_compared_with(service: Service) -> None:
    job_id = service.queue()
    for query in ({"jobs": job_id}, {"jobs": f"{job_id},{job_id}"}, {"job": job_id}):
        alone = service.get("/watch", params=query, follow_redirects=False)
        assert (alone.status_code, alone.headers["location"]) == (303, f"/watch/{job_id}")
    assert service.get("/watch?jobs=nowhere").status_code == 404


@pytest.mark.parametrize("path", ["/?index=0", "/docs", "/explore", "/explore?tool=draw"])
def test_a_command_on_a_page_says_where_the_service_is(gallery: Service, path: str) -> None:
    commands = re.findall(r"^.*\bcurl .*$", gallery.get(path).text, re.MULTILINE)
    assert commands
    assert all(gallery.url in command for command in commands)


def test_the_documentation_names_every_operation_and_parameter(gallery: Service) -> None:
    page = gallery.get("/docs").text
    for path, methods in gallery.app.openapi()["paths"].items():
        for method, operation in methods.items():
            assert f'<details id="{operation["operationId"]}">' in page
            assert f"<code>{method.upper()} {path}</code>" in page
    assert "<td>query</td><td>integer, from 1, up to 1024, default 16</td>" in page
    assert "<td><code>hyperparameters</code></td><td>body</td><td>object</td>" in page


def test_the_plan_says_where_nothing_will_measure_the_pictures(gallery: Service) -> None:
    told = "no classifier of mnist ships, so nothing measures its pictures"
    assert told in gallery.get("/train?dataset=mnist").text
    assert "no classifier of" not in gallery.get("/train?dataset=segments").text
