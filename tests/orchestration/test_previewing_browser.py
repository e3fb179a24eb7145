"""The gallery as people use it: a real Chromium, a file on disk, no network."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from orchestration.previewing import preview
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse
from tests.browser import Opened
from tests.previewed import alter, campaigns_in, change, copy_of

Built = tuple[Path, subprocess.CompletedProcess[str]]
NAMES = ("loyalty_reward", "onboarding", "win_back")
HOSTILE = (
    "<script>document.title = 'ran'</script>",
    "</script><img src=x onerror=\"document.title='ran'\">",
    "{{7*7}} \u202egnp.exe 🎉 " + "long" * 100,
)
TABS = ("message", "text", "links", "headers", "why", "compare")


@pytest.fixture(scope="module")
def settings(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home in which some who get the loyalty message have hostile names, and some products have pictures."""
    settings = copy_of(built[0], tmp_path_factory.mktemp("browser") / "home")
    rows = Warehouse(settings.warehouse).rows(
        "select person_id from core.message_candidates "
        "where campaign = 'loyalty_reward' and exclusion_reason is null order by person_id limit 3"
    )
    for row, name in zip(rows, HOSTILE, strict=True):
        alter(settings, "update core.profiles set first_name = ? where person_id = ?", name, row["person_id"])
    alter(settings, "update core.products set image_url = 'https://img.example.com/' || product_id || '.jpg'")
    return settings


@pytest.fixture(scope="module")
def gallery(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second version, in which the loyalty message has another subject; a campaign of it cannot be read."""
    campaigns = campaigns_in(tmp_path_factory.mktemp("campaigns"), *NAMES)
    preview.write(settings, campaigns=campaigns, people=20)
    change(campaigns, "loyalty_reward", "your reward for this month", "a word of thanks")
    campaigns_in(campaigns, "thank_you")
    change(campaigns, "thank_you", "priority: 70", "priority: high")
    return preview.write(settings, campaigns=campaigns, people=20).path


def people_of(opened: Opened, campaign: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = opened.page.evaluate(
        "name => data.campaigns.find(each => each.name === name).people", campaign
    )
    return found


def test_it_opens_from_disk_without_a_network_and_asks_for_nothing_else(browser: Any, gallery: Path) -> None:
    with Opened(browser, gallery) as opened:
        opened.framed()
        shown = sum(len(people_of(opened, campaign)) for campaign in NAMES)
        assert opened.page.locator("#list a.item").count() == shown > 30
        first = opened.page.evaluate("data.campaigns.find(each => each.messages.length).name")
        assert opened.page.locator(".sheet li").count() == len(people_of(opened, first))
        assert opened.page.locator("iframe[srcdoc]").count() > 0
        assert opened.asked == [gallery.as_uri()]
        assert opened.errors == []


def test_every_message_is_whole_at_both_widths_in_light_and_dark(browser: Any, gallery: Path) -> None:
    with Opened(browser, gallery) as opened:
        for campaign in NAMES:
            for person in people_of(opened, campaign)[:6]:
                opened.go(f"#/{campaign}/{person['person_id']}")
                for scheme in ("dark", "light"):
                    opened.page.click(f"[data-value={scheme}]")
                    opened.framed()
                    facts = opened.page.evaluate(
                        """() => [...document.querySelectorAll("iframe")].map(each => {
                            const page = each.contentDocument
                            return {
                                too_wide: page.documentElement.scrollWidth > each.clientWidth,
                                broken: [...page.images].filter(one => !one.complete || !one.naturalWidth).length,
                                text: page.body.innerText.length,
                                scripts: page.scripts.length,
                            }})"""
                    )
                    assert len(facts) == 2
                    for each in facts:
                        assert each["text"] > 200
                        assert (each["too_wide"], each["broken"], each["scripts"]) == (False, 0, 0), (campaign, person)
        assert opened.asked == [gallery.as_uri()]
        assert opened.errors == []


def test_dark_is_shown_whatever_the_machine_prefers(browser: Any, gallery: Path) -> None:
    colour = "() => getComputedStyle(document.querySelector('iframe').contentDocument.body).backgroundColor"
    for machine in ("light", "dark"):
        with Opened(browser, gallery, color_scheme=machine) as opened:
            opened.page.locator("#list a.item").first.click()
            opened.page.wait_for_selector("#panel iframe")
            opened.framed()
            seen = [opened.page.evaluate(colour)]
            opened.page.keyboard.press("d")
            opened.framed()
            seen.append(opened.page.evaluate(colour))
            assert seen == ["rgb(243, 241, 234)", "rgb(18, 24, 21)"]


@pytest.mark.parametrize("tab", TABS)
def test_nothing_scrolls_sideways_on_a_phone(browser: Any, gallery: Path, tab: str) -> None:
    with Opened(browser, gallery, width=390) as opened:
        wide = "() => ['html', 'main'].some(each => document.querySelector(each).scrollWidth > innerWidth)"
        assert opened.page.locator("#list").is_visible()
        assert not opened.page.evaluate(wide)
        for person in people_of(opened, "loyalty_reward")[:4]:
            opened.go(f"#/loyalty_reward/{person['person_id']}/default/{tab}")
            opened.framed()
            assert opened.page.locator("#panel").is_visible()
            assert not opened.page.evaluate(wide), person
        opened.go("#/loyalty_reward")
        assert not opened.page.evaluate(wide)
        opened.page.click("text=← Messages")
        assert opened.page.locator("#list").is_visible()
        assert opened.errors == []


def test_search_finds_people_campaigns_subjects_and_text(browser: Any, gallery: Path) -> None:
    with Opened(browser, gallery) as opened:
        items, page = opened.page.locator("#list a.item"), opened.page
        everybody = items.count()
        for words, campaign in (
            ('"word of thanks"', "loyalty_reward"),
            ('"welcome to journey"', "onboarding"),
            ("$10 off your first", "onboarding"),
            ("THANKYOU5 household", "loyalty_reward"),
            ("win back", "win_back"),
        ):
            page.fill("#search", words)
            found = items.evaluate_all("all => [...new Set(all.map(each => each.dataset.key.split('/')[0]))]")
            assert campaign in found, words
            assert 0 < items.count() < everybody, words
            assert page.inner_text("#found") == f"{items.count()} of {everybody} people"
        page.fill("#search", "nothing says this")
        assert items.count() == 0
        assert page.inner_text("#found") == f"0 of {everybody} people"
        page.fill("#search", "")
        page.select_option("#campaign", "win_back")
        assert items.count() == len(people_of(opened, "win_back"))
        page.click("text=Does not")
        assert items.count() == sum(each["standing"] != "gets it" for each in people_of(opened, "win_back"))
        assert opened.errors == []


def test_it_can_be_used_without_a_mouse(browser: Any, gallery: Path) -> None:
    with Opened(browser, gallery) as opened:
        page = opened.page
        page.keyboard.press("j")
        page.wait_for_selector("#panel iframe")
        current = "() => document.querySelector('#list [aria-current]').dataset.key"
        first = page.evaluate(current)
        page.keyboard.press("j")
        page.wait_for_function(f"first => ({current})() !== first", arg=first)
        page.keyboard.press("k")
        page.wait_for_function(f"first => ({current})() === first", arg=first)
        for number, tab in enumerate(TABS, 1):
            page.keyboard.press(str(number))
            page.wait_for_selector(f"#tab-{tab}[aria-selected=true]")
            assert page.locator(f"#panel.{tab}").is_visible()
        page.focus("#tab-compare")
        page.keyboard.press("ArrowRight")
        page.wait_for_selector("#tab-message[aria-selected=true]")
        page.wait_for_function("() => document.activeElement.id === 'tab-message'")
        page.keyboard.press("w")
        assert page.locator("iframe").count() == 1
        page.keyboard.press("?")
        assert page.locator("#keys").is_visible()
        page.keyboard.press("Escape")
        assert not page.locator("#keys").is_visible()
        page.keyboard.press("/")
        page.keyboard.type('"off your first basket"')
        page.keyboard.press("Enter")
        page.wait_for_function("() => location.hash.startsWith('#/onboarding/')")
        page.keyboard.press("Escape")
        page.keyboard.press("v")
        page.wait_for_selector("[aria-label=Variant] [aria-pressed=true]")
        assert opened.errors == []


def test_two_people_and_two_versions_are_held_against_each_other(browser: Any, gallery: Path) -> None:
    with Opened(browser, gallery) as opened:
        page = opened.page
        page.click("#filters >> text=Changed")
        assert page.locator("#list a.item").count() == len(people_of(opened, "loyalty_reward"))
        page.locator("#list a.item").first.click()
        page.click("#tab-compare")
        opened.framed()
        differing = page.locator("table.differing")
        assert "your reward for this month" in " ".join(differing.locator("del").all_inner_texts())
        assert "thanks" in " ".join(differing.locator("ins").all_inner_texts())
        assert page.locator("iframe").count() == 2
        page.select_option("#other", index=2)
        opened.framed()
        assert differing.locator("del").count() > 0
        assert page.locator(".differences .changed, .differences .added").count() > 0
        opened.go("#/onboarding")
        page.wait_for_function("() => document.querySelector('h1').textContent === 'Welcome'")
        opened.go(f"#/onboarding/{people_of(opened, 'onboarding')[0]['person_id']}/plain/compare")
        page.wait_for_selector("optgroup[label='Other variants']", state="attached")
        assert opened.errors == []


def test_why_names_rules_fields_and_products(browser: Any, gallery: Path) -> None:
    with Opened(browser, gallery) as opened:
        person = people_of(opened, "loyalty_reward")[0]
        opened.go(f"#/loyalty_reward/{person['person_id']}/default/why")
        opened.page.wait_for_selector("#panel.why")
        told = opened.page.inner_text("#panel")
        assert "lifecycle_stage = 'repeat_buyer'" in told
        assert "recipients" in told
        for words in ("Slot hero", "Slot local", "Fields used", "in the segment repeat buyers"):
            assert words in told
        opened.go("#/loyalty_reward")
        opened.page.wait_for_selector(".outcomes")
        opened.page.locator(".outcomes a").first.click()
        opened.page.wait_for_selector("#panel.why")


def test_hostile_names_stay_text(browser: Any, gallery: Path) -> None:
    with Opened(browser, gallery) as opened:
        hostile = [each for each in people_of(opened, "loyalty_reward") if set(each["first_name"]) & set("<{")]
        assert hostile
        for person in hostile:
            for tab in TABS:
                opened.go(f"#/loyalty_reward/{person['person_id']}/default/{tab}")
                opened.page.wait_for_selector(f"#panel.{tab}")
                opened.framed()
                assert "ran" not in opened.page.title().split()[:1]
                shown = opened.page.inner_text("h1")
                assert person["first_name"][:9] in shown
        assert opened.page.evaluate("() => document.querySelectorAll('img').length") == 0
        assert opened.errors == []


def test_a_click_in_a_message_leads_nowhere_and_says_where_it_would(browser: Any, gallery: Path) -> None:
    with Opened(browser, gallery) as opened:
        opened.page.locator(".sheet a").first.click()
        opened.page.wait_for_selector("#panel.message iframe")
        opened.framed()
        opened.page.frame_locator("#panel iframe").first.locator("a[href*='utm_source']").first.click()
        opened.page.wait_for_selector("#toast.shown")
        assert "utm_source=sincerely" in opened.page.inner_text("#toast")
        assert opened.asked == [gallery.as_uri()]


def test_a_campaign_that_cannot_be_read_says_so(browser: Any, gallery: Path) -> None:
    with Opened(browser, gallery, "#/thank_you") as opened:
        assert "priority: expected a whole number" in opened.page.inner_text("#main")
        opened.go("#/%zz")
        opened.page.wait_for_selector("iframe")
        assert opened.errors == []


# Every text that is seen, with its colour and what is behind it (WCAG 2.2, 1.4.3: 4.5 to 1, or 3 to 1 for large text).
_FAINT = """() => {
    const rgb = text => (text.match(/[\\d.]+/g) || []).map(Number)
    const light = ([r, g, b]) => {
        const [x, y, z] = [r, g, b].map(v => v / 255 <= .04045 ? v / 255 / 12.92 : ((v / 255 + .055) / 1.055) ** 2.4)
        return .2126 * x + .7152 * y + .0722 * z
    }
    const behind = node => {
        for (let at = node; at; at = at.parentElement) {
            const [r, g, b, a = 1] = rgb(getComputedStyle(at).backgroundColor)
            if (a === 1) return [r, g, b]
        }
        return [255, 255, 255]
    }
    const faint = []
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (walk.nextNode()) {
        const node = walk.currentNode.parentElement
        if (!walk.currentNode.data.trim() || !node.checkVisibility({visibilityProperty: true})) continue
        if (node.closest("script, style, option, .visually-hidden, .skip, #toast")) continue
        const style = getComputedStyle(node)
        const pair = [light(rgb(style.color)), light(behind(node))].sort((a, b) => b - a)
        const ratio = (pair[0] + .05) / (pair[1] + .05)
        const size = parseFloat(style.fontSize)
        const least = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5
        const words = walk.currentNode.data.trim().slice(0, 30)
        if (ratio < least) faint.push(`${words} ${node.className} ${ratio.toFixed(2)}`)
    }
    return faint
}"""
_NAMELESS = """() => {
    const named = each => each.getAttribute("aria-label") || each.getAttribute("aria-labelledby") || each.title
        || each.textContent.trim() || (each.labels && each.labels.length)
    const controls = [...document.querySelectorAll("button, a, input, select, iframe, [tabindex='0'], [role=img]")]
    const ids = [...document.querySelectorAll("[id]")].map(each => each.id)
    return [
        ...controls.filter(each => !each.closest("[aria-hidden=true]") && !named(each)).map(each => each.outerHTML),
        ...ids.filter((id, at) => ids.indexOf(id) !== at).map(id => `twice: ${id}`),
        ...[...document.querySelectorAll("[aria-controls]")].map(each => each.getAttribute("aria-controls"))
            .filter(id => !document.getElementById(id)).map(id => `no ${id}`),
    ]
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_and_every_control_has_a_name(browser: Any, gallery: Path, theme: str) -> None:
    with Opened(browser, gallery, color_scheme=theme) as opened:
        person = people_of(opened, "loyalty_reward")[0]["person_id"]
        places = [f"#/loyalty_reward/{person}/default/{tab}" for tab in TABS]
        for place in (*places, "#/loyalty_reward", "#/thank_you"):
            opened.go(place)
            opened.page.wait_for_function("place => location.hash === place", arg=place)
            opened.framed()
            assert opened.page.evaluate(_FAINT) == [], place
            assert opened.page.evaluate(_NAMELESS) == [], place
            levels = opened.page.evaluate(
                "() => [...document.querySelectorAll('main h1, main h2, main h3')].map(each => each.tagName)"
            )
            assert levels[0] == "H1"
            assert levels.count("H1") == 1


def test_differences_give_back_both_texts_and_find_what_is_common(browser: Any, gallery: Path) -> None:
    with Opened(browser, gallery) as opened:
        wrong = opened.page.evaluate(
            """() => {
                let seed = 7
                const draw = below => (seed = (seed * 48271) % 2147483647) % below
                const text = () => Array.from({ length: draw(12) }, () => "abc"[draw(3)])
                const side = (parts, kind) => parts.filter(each => each.kind === "same" || each.kind === kind)
                    .map(each => each.text).join("")
                // The longest common subsequence, by trying.
                const longest = (a, b) => !a.length || !b.length ? 0 : a[0] === b[0]
                    ? 1 + longest(a.slice(1), b.slice(1)) : Math.max(longest(a.slice(1), b), longest(a, b.slice(1)))
                const wrong = []
                for (let round = 0; round < 300; round++) {
                    const [before, after] = [text(), text()]
                    const parts = differences(before, after)
                    const same = parts.filter(each => each.kind === "same").length
                    if (side(parts, "gone") !== before.join("") || side(parts, "added") !== after.join("")
                        || same !== longest(before, after)) wrong.push([before, after, parts])
                }
                const long = Array.from({ length: 5000 }, (_, at) => `x${at}`)
                if (differences(long, long.map(each => each + "!")).length !== 10000) wrong.push("long")
                return wrong
            }"""
        )
        assert wrong == []
