from __future__ import annotations

import pytest

from sakshi.template import SafeHtml, TemplateExecutionError, parse_template

EVIL = """<script>alert("1 + 'x'")</script>"""
ESCAPED = "&lt;script&gt;alert(&#34;1 &#43; &#39;x&#39;&#34;)&lt;/script&gt;"


def render(text: str, value: object = EVIL) -> str:
    return parse_template("t", text).execute({"V": value, "H": SafeHtml("<b>")}, html=True)


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        pytest.param("<p>{{ .V }}</p>", EVIL, f"<p>{ESCAPED}</p>", id="in text"),
        pytest.param('<p title="{{ .V }}">', EVIL, f'<p title="{ESCAPED}">', id="in an attribute"),
        pytest.param("<p title='{{ .V }}'>", EVIL, f"<p title='{ESCAPED}'>", id="in single quotes"),
        pytest.param("<title>{{ .V }}</title>", EVIL, f"<title>{ESCAPED}</title>", id="in a title"),
        pytest.param("{{ .H }}", "", "<b>", id="safe HTML stays"),
        pytest.param('<p title="{{ .H }}">', "", '<p title="&lt;b&gt;">', id="not in an attribute"),
        pytest.param("{{ safeHtml .V }}", "<i>", "<i>", id="safeHtml"),
        pytest.param("{{ .V | html }}", "<i>", "&amp;lt;i&amp;gt;", id="html, then escaped"),
        pytest.param("<br>{{ .V }}", 0.931, "<br>0.931", id="numbers"),
        pytest.param(
            '<a href="{{ .V }}">', "https://x.example/a b?c=<d>&e",
            '<a href="https://x.example/a%20b?c=%3Cd%3E&amp;e">', id="an address",
        ),
        pytest.param('<a href="{{ .V }}">', "/graph", '<a href="/graph">', id="a relative one"),
        pytest.param('<a href="{{ .V }}">', "javascript:x", '<a href="#ZgotmplZ">', id="a script"),
        pytest.param('<a href="{{ .V }}">', " JavaScript:", '<a href="#ZgotmplZ">', id="disguised"),
        pytest.param(
            '<a href="java{{ .V }}">', "script:x", '<a href="java#ZgotmplZ">', id="in two pieces"
        ),
        pytest.param(
            '<a href="/?q={{ .V }}">', "a&b=c/d", '<a href="/?q=a%26b%3Dc%2Fd">', id="a query"
        ),
        pytest.param('<a\nHREF = "{{ .V }}">', "data:x", '<a\nHREF = "#ZgotmplZ">', id="capitals"),
        pytest.param("<p>a > b {{ .V }}", "<", "<p>a > b &lt;", id="a lone bracket"),
        pytest.param("a < b {{ .V }}", "<", "a < b &lt;", id="another"),
        pytest.param("<style>a > b</style>{{ .V }}", "<", "<style>a > b</style>&lt;", id="styles"),
        pytest.param("<!-- <a href=\" -->{{ .V }}", "<", "<!-- <a href=\" -->&lt;", id="comments"),
        pytest.param(
            "<a {{ if .V }}href{{ end }}='{{ .V }}'>", "javascript:x",
            "<a href='#ZgotmplZ'>", id="an attribute in pieces",
        ),
        pytest.param(
            "<style>a{{ if .V }} > {{ end }}b</style>{{ .V }}", "<",
            "<style>a > b</style>&lt;", id="styles in pieces",
        ),
        pytest.param("<img alt='>'>{{ .V }}", "<", "<img alt='>'>&lt;", id="a bracket in quotes"),
    ],
)  # fmt: skip
def test_a_value_is_harmless_where_it_lands(text: str, value: object, expected: str) -> None:
    """Text, attributes and addresses are each escaped as they need."""
    assert render(text, value) == expected


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("<script>{{ .V }}</script>", "a <script> element"),
        ("<style>{{ .V }}</style>", "a <style> element"),
        ("<!-- {{ .V }} -->", "a comment"),
        ("<p {{ .V }}>", "a tag, outside of a quoted attribute"),
        ("<p title={{ .V }}>", "a tag, outside of a quoted attribute"),
        ('<p onclick="{{ .V }}">', "the attribute onclick"),
        ('<p style="{{ .V }}">', "the attribute style"),
    ],
)
def test_where_no_value_is_harmless_there_is_an_error(text: str, place: str) -> None:
    """A template that prints into a script, a style or a bare tag is refused."""
    with pytest.raises(TemplateExecutionError, match=f"cannot be printed safely in {place}"):
        render(text)
