"""HTML mode: every value that an action prints is escaped for the place where it lands.

    <p>{{ . }}</p>                text: & < > " ' + become character references
    <a title="{{ . }}">           quoted attribute: the same
    <a href="{{ . }}">            address: besides, only http, https, mailto and relative ones pass
    <script>{{ . }}</script>, <a {{ . }}>, <a x={{ . }}>, <!-- {{ . }} -->
                                  no value is safe there: an error

The place is found from the template's own text; values cannot move it, for they are escaped.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Final
from urllib.parse import quote

from sakshi.template.builtin import escape_html
from sakshi.template.errors import FunctionError
from sakshi.template.value import SafeHtml

_BLOCKED_URL: Final = "#ZgotmplZ"  # what Go puts in place of an address that could run a script
_SAFE_SCHEMES: Final = frozenset({"http", "https", "mailto"})
_SCHEME: Final = re.compile(r"[^/?#:]*:")
_URL_ATTRIBUTES: Final = frozenset(
    {"href", "src", "action", "formaction", "background", "cite", "longdesc", "poster"}
    | {"manifest", "xlink:href"}
)
_URL_SAFE: Final = "!#$&*+,/:;=?@[]~%-._()"
_RAW_ELEMENTS: Final = ("script", "style", "textarea", "title")
_EVENT_OR_STYLE: Final = re.compile(r"on.*|style|srcdoc|srcset")


class _Place(Enum):
    TEXT = auto()
    TAG = auto()
    ATTRIBUTE = auto()
    COMMENT = auto()
    RAW = auto()


_TAG_OPENS: Final = re.compile(r"<!--|<(/?)([a-zA-Z][^\s/>]*)|<!")
_IN_TAG: Final = re.compile(r"""([^\s=>"'/]+)\s*=\s*(["'])|>""")


class HtmlEscaper:
    """Follows the text that was printed, and escapes the next value for where it lands."""

    def __init__(self) -> None:
        self._place = _Place.TEXT
        self._element = self._attribute = self._quote = ""
        self._value = ""  # what the attribute holds so far
        self._tag_text = ""  # what the tag holds since its last attribute

    def follow(self, text: str) -> None:
        """Note text of the template, or HTML that is safe."""
        position = 0
        while position < len(text):
            position = _FOLLOWERS[self._place](self, text, position)

    def escape(self, text: str) -> str:
        """Return a value made harmless for the present place.

        Raises:
            FunctionError: no value is harmless here.
        """
        if self._place is _Place.TEXT:
            return text if isinstance(text, SafeHtml) else _escape_text(text)
        if self._place is _Place.RAW and self._element in ("title", "textarea"):
            return _escape_text(text)
        if self._place is not _Place.ATTRIBUTE or _EVENT_OR_STYLE.fullmatch(self._attribute):
            raise FunctionError(f"a value cannot be printed safely in {self._described()}")
        before, self._value = self._value, self._value + text
        if self._attribute in _URL_ATTRIBUTES:
            text = _filter_url(text, before)
        return _escape_text(text)

    def _described(self) -> str:
        match self._place:
            case _Place.RAW:
                return f"a <{self._element}> element"
            case _Place.ATTRIBUTE:
                return f"the attribute {self._attribute}"
            case _Place.COMMENT:
                return "a comment"
        return "a tag, outside of a quoted attribute"

    def _follow_text(self, text: str, position: int) -> int:
        match = _TAG_OPENS.search(text, position)
        if match is None:
            return len(text)
        if match[0] == "<!--":
            self._place = _Place.COMMENT
        else:
            self._place, self._element = _Place.TAG, (match[2] or "").lower()
            if match[1]:
                self._element = ""
        return match.end()

    def _follow_tag(self, text: str, position: int) -> int:
        match = _IN_TAG.search(text, position)
        if match is None:
            self._tag_text += text[position:]
            return self._follow_split_tag(len(text))
        self._tag_text = ""
        if match[0] == ">":
            self._place = _Place.RAW if self._element in _RAW_ELEMENTS else _Place.TEXT
        else:
            self._place, self._value = _Place.ATTRIBUTE, ""
            self._attribute, self._quote = match[1].lower(), match[2]
        return match.end()

    def _follow_split_tag(self, end: int) -> int:
        """Recognise an attribute whose name and quote came in different pieces of text."""
        match = _IN_TAG.search(self._tag_text)
        if match is not None and match[0] != ">":
            self._place, self._value, self._tag_text = _Place.ATTRIBUTE, "", ""
            self._attribute, self._quote = match[1].lower(), match[2]
        return end

    def _follow_attribute(self, text: str, position: int) -> int:
        end = text.find(self._quote, position)
        if end < 0:
            self._value += text[position:]
            return len(text)
        self._place = _Place.TAG
        return end + 1

    def _follow_comment(self, text: str, position: int) -> int:
        end = text.find("-->", position)
        if end < 0:
            return len(text)
        self._place = _Place.TEXT
        return end + 3

    def _follow_raw(self, text: str, position: int) -> int:
        match = re.compile(f"</{self._element}", re.IGNORECASE).search(text, position)
        if match is None:
            return len(text)
        self._place, self._element = _Place.TAG, ""
        return match.end()


_FOLLOWERS: Final = {
    _Place.TEXT: HtmlEscaper._follow_text,
    _Place.TAG: HtmlEscaper._follow_tag,
    _Place.ATTRIBUTE: HtmlEscaper._follow_attribute,
    _Place.COMMENT: HtmlEscaper._follow_comment,
    _Place.RAW: HtmlEscaper._follow_raw,
}


def _escape_text(text: str) -> str:
    return escape_html(text).replace("+", "&#43;")


def _filter_url(text: str, before: str) -> str:
    """Return part of an address, percent-encoded; replaced where its scheme is unsafe."""
    if "?" in before or "#" in before:
        return quote(text, safe="-._~")
    scheme = _SCHEME.match(before + text)
    if scheme and not _SCHEME.match(before) and scheme[0][:-1].lower() not in _SAFE_SCHEMES:
        return _BLOCKED_URL
    return quote(text, safe=_URL_SAFE)
