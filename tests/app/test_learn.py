"""The pages that teach: languages, what stands on a family's page, its source."""

import importlib
import inspect
import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest

from app.routes.pages import learn
from app.teaching.formulas import GREEK
from app.teaching.game_picture import Cast, describe_game, draw_drawing, draw_game
from app.teaching.lessons import read_map
from app.teaching.words import ENGLISH, WORDS, Language
from app.teaching.zoo_results import read_zoo_results
from app.web.pages import code
from models import Family, families, known_controls, trace_flow
from tests.app.problems import refusal
from tests.app.service import Service

of_every_family = pytest.mark.parametrize("name", list(families()))


def text_of(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


# --- Languages ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", "en"),
        ("de, fr;q=0.9", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans"),
        ("en;q=0.3, zh;q=0.7", "zh-Hans"),
        ("zh;q=0, en", "en"),
        ("zh-TW;q=0.5, *", "zh-Hans"),
        (";;q=x, en", "en"),
    ],
)
def test_the_reader_s_first_language_that_we_write_is_answered(gallery: Service, header: str, expected: str) -> None:
    response = gallery.get("/learn", headers={"Accept-Language": header})
    assert response.headers["content-language"] == expected
    assert response.headers["vary"] == "Accept-Language"
    assert f'<html lang="{expected}">' in response.text


@pytest.mark.parametrize("path", ["/learn", "/learn/gan", "/learn/gan/source"])
def test_the_language_asked_for_comes_before_the_reader_s(gallery: Service, path: str) -> None:
    response = gallery.get(path, params={"lang": "zh"}, headers={"Accept-Language": "en"})
    assert response.headers["content-language"] == "zh-Hans"
    assert f'href="{path}?lang=en" lang="en" hreflang="en">English' in response.text
    assert f'href="{path}?lang=zh" lang="zh-Hans" hreflang="zh-Hans" aria-current="true">中文' in response.text


def test_links_stay_in_the_language_that_was_asked_for(gallery: Service) -> None:
    chosen = gallery.get("/learn/wgan_gp?lang=zh").text
    assert set(re.findall(r'href="(/learn[^"]*)"', chosen)) >= {"/learn?lang=zh", "/learn/wgan?lang=zh"}
    assert '"/learn/wgan"' not in chosen
    assert '"/learn/wgan"' in gallery.get("/learn/wgan_gp", headers={"Accept-Language": "zh"}).text


def test_another_language_is_refused(gallery: Service) -> None:
    assert "lang" in str(refusal(gallery.get("/learn?lang=tlh"), 422, "invalid-request"))


class Prose(HTMLParser):
    """What a page says in the language it says it is in: no code, no formulas, nothing marked as English."""

    _EMPTY = frozenset({"meta", "link", "img", "input", "br", "hr"})
    _OTHER = frozenset({"code", "pre", "math", "script"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self._left: list[bool] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        is_other = tag in self._OTHER or told.get("lang") == "en" or "control-name" in (told.get("class") or "")
        is_left = is_other or any(self._left[-1:])
        if not is_left:
            self.texts += [told[name] or "" for name in ("alt", "aria-label", "title") if name in told]
        if tag not in self._EMPTY:
            self._left.append(is_left)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """What stands alone has nothing to say."""

    def handle_endtag(self, tag: str) -> None:
        self._left.pop()

    def handle_data(self, data: str) -> None:
        if not any(self._left[-1:]):
            self.texts.append(data)


def _words(text: str) -> list[str]:
    return re.findall(r"[A-Za-zÀ-ÖØ-öø-ÿ](?:[A-Za-zÀ-ÖØ-öø-ÿ0-9_'’]*[A-Za-zÀ-ÖØ-öø-ÿ0-9])?", text)


NAMES = frozenset(
    _words(
        "Ganery API GAN WGAN GANs AC PT R1 R3GAN StyleGAN StyleGAN2 ResNet IIC PyTorch Keras CPU "
        "MNIST CIFAR CelebA LSUN Lucic Glorot He Adam SGD RMSProp Adagrad Nesterov "
        "FD KID FID KL JS ELBO Fréchet Wasserstein test train "
        "n_critic lambda_k ReLU Leaky ELU tanh sigmoid softmax maxout logit dropout nat log sqrt alpha beta "
    )
)
"""What Chinese texts call by its own name too."""


def foreign_words(page: str) -> set[str]:
    """Return the words in Latin letters of a Chinese page that are no names, symbols or explanations in brackets."""
    people = " ".join(family.paper.authors for family in families().values())
    titles = " ".join(learn._names(name)[0] for name in families())
    known = {*NAMES, *GREEK, *_words(people), *_words(titles), *known_controls()}
    texts = (re.sub("（[A-Za-z -]+）", "", text) for text in Prose(page).texts)
    return {word for text in texts for word in _words(text) if len(word) > 1 and word[1] != "_"} - known


@pytest.mark.parametrize("path", ["/learn", *(f"/learn/{name}" for name in families())])
def test_a_chinese_page_says_nothing_in_english(gallery: Service, path: str) -> None:
    assert foreign_words(gallery.get(f"{path}?lang=zh").text) == set()


def test_english_on_a_chinese_page_is_found() -> None:
    left = '<p lang="en">a paper</p><code>x_y</code><svg><text class="control-name">level</text></svg>'
    page = f'<p>损失<img alt="a grid">（loss）</p>{left}<p>WGAN 的 loss</p>'
    assert foreign_words(page) == {"grid", "loss"}


# --- A family -----------------------------------------------------------------------------------------------------


@of_every_family
@pytest.mark.parametrize("language", list(Language))
def test_a_page_has_all_that_there_is_to_say_of_a_family(gallery: Service, name: str, language: Language) -> None:
    family, words = families()[name], WORDS[language]
    page = gallery.get(f"/learn/{name}?lang={language}").text
    headings = [text_of(heading) for heading in re.findall(r"<h2[^>]*>(.*?)</h2>", page, re.DOTALL)]
    wanted = [words.idea, words.game, words.formula, words.trouble, words.mends, words.try_it, words.results]
    assert headings[: len(wanted)] == wanted
    assert {words.presets, words.hyperparameters, words.deviations} <= set(headings)
    assert f'href="{family.paper.url}"' in page
    for hyperparameter, field in family.hyperparameters.model_fields.items():
        assert f"<code>{hyperparameter}</code>" in page
        assert str(code(words.translate(field.description or ""))) in page
    for remedy in filter(None, family.advice.values()):
        assert str(code(words.translate(remedy))) in page
    for preset in family.presets:
        assert f"<code>{preset}</code>" in page


def test_results_are_those_that_were_measured(gallery: Service) -> None:
    page = gallery.get("/learn/ebgan?lang=en").text
    measured = read_zoo_results().of("ebgan")
    assert len(measured) == 2
    for training in measured:
        assert f'<code>{training.preset}</code></th><td class="number">{training.metrics["fd"]:.4g}</td>' in page
    assert "120,000 pictures" in page


def test_advice_says_what_is_no_fault_here(gallery: Service) -> None:
    assert ENGLISH.usual_remedy in gallery.get("/learn/wgan?lang=en").text
    assert ENGLISH.usual_remedy not in gallery.get("/learn/gan?lang=en").text


def test_pictures_by_the_newest_checkpoint_are_shown(gallery: Service) -> None:
    page = gallery.get("/learn/dcgan").text
    assert f"/generate?checkpoint={gallery.id_of('plain')}&amp;seed=7&amp;count=60" in page
    assert 'width="640" height="96"' in page  # 20 by 3 pictures of 16 by 16, twice as large
    assert "/generate?checkpoint=" not in gallery.get("/learn/vae").text


def test_a_family_can_be_trained_and_what_has_a_checkpoint_drawn_with(gallery: Service) -> None:
    page = gallery.get("/learn/wgan").text
    assert '<a class="button primary" href="/train?family=wgan">Train it</a>' in page
    assert 'href="/?family=wgan"' not in page
    assert 'href="/?family=dcgan"' in gallery.get("/learn/dcgan").text


def test_a_family_without_a_lesson_speaks_by_its_source_file(gallery: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learn, "find_lesson", lambda *_, **__: None)
    monkeypatch.setattr(learn, "read_formulas", lambda _: [])
    page = gallery.get("/learn/gan_r1?lang=zh").text
    assert WORDS[Language.CHINESE].no_lesson in page
    assert '<div lang="en">' in page
    assert "takes that slope away, so that the training converges" in text_of(page)
    assert "discriminator   min  -E log s(D(x))" in page
    assert '<svg class="game"' in page
    overview = gallery.get("/learn?lang=zh").text
    assert "<p>对真图处的斜率加惩罚的非饱和 GAN" in overview


def test_a_game_that_cannot_be_followed_leaves_out_its_picture(
    gallery: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learn, "_flow", lambda _: None)
    response = gallery.get("/learn/gan")
    assert response.status_code == 200
    assert "<svg" not in response.text


@pytest.mark.parametrize("path", ["/learn/nobody", "/learn/nobody/source", "/learn/_neutral/source"])
def test_an_unknown_family_is_refused(gallery: Service, path: str) -> None:
    assert "gan_r1" in refusal(gallery.get(path), 404)["detail"]


@of_every_family
def test_the_source_is_the_file_with_a_number_at_each_line(gallery: Service, name: str) -> None:
    source = inspect.getsource(importlib.import_module(f"models.{name}"))
    page = gallery.get(f"/learn/{name}/source").text
    lines = re.findall(r'<li id="L(\d+)"><code>(.*)</code></li>', page)
    assert [int(number) for number, _ in lines] == list(range(1, source.count("\n") + 1))
    assert [unescape(re.sub(r"<[^>]+>", "", line)) for _, line in lines] == source.splitlines()


def test_the_overview_lists_every_family_and_draws_the_map(gallery: Service) -> None:
    page = gallery.get("/learn?lang=en").text
    drawing = page[page.index('<svg class="map"') : page.index("</svg>")]
    for name in families():
        assert f'<a href="/learn/{name}?lang=en">' in drawing
        assert page.count(f'href="/learn/{name}?lang=en"') >= 2


def test_a_family_stands_behind_those_of_its_year_and_before_that_it_mends(gallery: Service) -> None:
    page = gallery.get("/learn?lang=en").text
    shown = re.findall(r'<h3><a href="/learn/(\w+)', page)
    assert shown.index("vae") < shown.index("gan") < shown.index("cgan") < shown.index("acgan")
    assert sorted(shown) == sorted(families())
    years = [families()[name].paper.year for name in shown]
    assert years == sorted(years)
    for name, menders in read_map().items():
        for mender in menders:
            if families()[name].paper.year == families()[mender].paper.year:
                assert shown.index(name) < shown.index(mender)


# --- Pictures of games --------------------------------------------------------------------------------------------


def parts(picture: str, kind: str) -> list[ElementTree.Element]:
    return [one for one in ElementTree.fromstring(picture).iter() if kind in (one.get("class") or "").split()]


def within(box: ElementTree.Element, width: float, height: float) -> bool:
    x, y, w, h = (float(box.get(name, "nan")) for name in ("x", "y", "width", "height"))
    return 0 <= x <= x + w <= width and 0 <= y <= y + h <= height


@of_every_family
def test_a_picture_has_a_box_for_each_part_and_an_arrow_back_for_each_learner(name: str) -> None:
    family = families()[name]
    flow = trace_flow(family)
    picture = draw_game(flow, Cast.of(family), ENGLISH)
    boxes, moves = parts(picture, "box"), parts(picture, "move")
    assert len(moves) == len(flow.moves)
    assert len(boxes) >= len(flow.players) + 2  # and what they begin with
    heads = [one for one in parts(picture, "gradient") if "V" in (one.get("d") or "").split("H")[0]]
    assert len(heads) == sum(len(move.trains) for move in flow.moves)
    root = ElementTree.fromstring(picture)
    width, height = (float(root.get(side, "nan")) for side in ("width", "height"))
    assert all(within(box, width, height) for box in boxes + moves)
    places = [(box.get("x"), box.get("y")) for box in boxes + moves]
    assert len(set(places)) == len(places)
    assert describe_game(flow, ENGLISH) in unescape(root.get("aria-label") or "")


def test_a_mixture_of_pictures_is_one_arrow() -> None:
    def mixtures(name: str) -> int:
        family: Family[Any] = families()[name]
        return len(parts(draw_game(trace_flow(family), Cast.of(family), ENGLISH), "mix"))

    assert mixtures("gan") == 0
    assert mixtures("wgan_gp") == 1
    assert mixtures("lapgan") == 4


def test_without_a_score_nobody_judges() -> None:
    vae = families()["vae"]
    picture = draw_game(trace_flow(vae), Cast.of(vae), ENGLISH)
    assert not parts(picture, "judge")
    assert parts(picture, "maker")


def test_the_drawing_goes_from_coarse_to_fine_and_shows_what_steers_it() -> None:
    lapgan = families()["lapgan"]
    picture = draw_drawing(trace_flow(lapgan), Cast.of(lapgan), ["level"], ENGLISH)
    names = [one.text for one in parts(picture, "name")]
    assert names == ["noise", "level", "generator 2", "generator 1", "generator 0", "picture"]


def test_a_picture_says_what_follows_a_step_and_how_often_it_is_repeated() -> None:
    wgan = families()["wgan"]
    picture = draw_game(trace_flow(wgan), Cast.of(wgan), ENGLISH)
    assert "loss of the critic ×5" in picture
    assert "then clip weights" in picture


def test_text_from_a_family_is_escaped() -> None:
    gan = families()["gan"]
    flow = trace_flow(gan)
    moves = tuple(replace(move, terms=("<b>",)) for move in flow.moves)
    picture = draw_game(replace(flow, moves=moves), Cast.of(gan), ENGLISH)
    assert "<b>" not in picture
    assert "&lt;b&gt;" in picture
