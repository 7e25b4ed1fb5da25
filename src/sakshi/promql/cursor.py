"""The place in a query that a parser has reached: the next token, and how to take or refuse it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final, NoReturn

from sakshi.promql import token as kinds
from sakshi.promql.errors import QueryLimitError, QuerySyntaxError
from sakshi.promql.literal import (
    InvalidLiteralError,
    parse_duration_token,
    parse_number,
    unquote,
)
from sakshi.promql.query_limit import QueryLimits
from sakshi.promql.token import Token
from sakshi.promql.tokenizer import tokenize

FOUND_CHARACTERS_MAX: Final = 40  # of an offending text, in a message


_SPECIAL_TOKENS: Final = {
    kinds.END: "the end of the query",
    kinds.OPEN_STRING: "a string without a closing quote",
}


class Cursor:
    """A query, the next token in it, and the end of the last one taken.

    Args:
        text: the query.
        limits: of them, those of length and regular expressions are checked here.

    Raises:
        QueryLimitError: the text is too long.
        QuerySyntaxError: it holds a lone surrogate, which no encoding can carry.
    """

    def __init__(self, text: str, limits: QueryLimits) -> None:
        if len(text) > limits.length_max:
            raise QueryLimitError(
                f"the query has {len(text)} characters, more than the limit of {limits.length_max}"
            )
        self.text = text
        self.limits = limits
        if not text.isascii():
            self._check_encodable()
        self._tokens: Iterator[Token] = tokenize(text)
        self.token = next(self._tokens)
        self.end = 0
        self._regexes = 0

    def take(self) -> Token:
        """Return the next token and step over it; never called on END."""
        token = self.token
        self.end = token.start + len(token.text)
        self.token = next(self._tokens)
        return token

    def peek(self) -> Token:
        """Return the token after the next one; never called on END."""
        following = next(self._tokens)
        self._tokens = chain((following,), self._tokens)
        return following

    def accept(self, kind: str) -> bool:
        """Step over the next token if it is of this kind; tell whether it was."""
        if self.token.kind != kind:
            return False
        self.take()
        return True

    def expect(self, kind: str, expected: str) -> None:
        """Step over the next token, or refuse it if it is of another kind."""
        if self.token.kind != kind:
            self.fail(expected)
        self.take()

    def take_string(self) -> str:
        """Return what the next token, a STRING, stands for."""
        token = self.take()
        try:
            return unquote(token.text)
        except InvalidLiteralError as error:
            self._fail_literal(token, error)

    def take_seconds(self) -> float:
        """Return the value of the next token: a NUMBER, or a DURATION in seconds."""
        token = self.take()
        try:
            if token.kind == kinds.DURATION:
                return parse_duration_token(token.text) / 1000
            return parse_number(token.text)
        except InvalidLiteralError as error:
            self._fail_literal(token, error)

    def count_regex(self) -> None:
        """Refuse the query if it has one regular expression too many."""
        self._regexes += 1
        if self._regexes > self.limits.regexes_max:
            raise QueryLimitError(
                "the query has more regular expressions than the limit of"
                f" {self.limits.regexes_max}"
            )

    def take_signed_seconds(self, expected: str) -> float:
        """Return the value of a number or duration that may have a sign; a duration in seconds."""
        sign = -1 if self.token.kind == "-" else 1
        if self.token.kind in ("-", "+"):
            self.take()
        if self.token.kind not in (kinds.NUMBER, kinds.DURATION):
            self.fail(expected)
        return sign * self.take_seconds()

    def fail(self, expected: str) -> NoReturn:
        """Refuse the next token."""
        token = self.token
        found = _SPECIAL_TOKENS.get(token.kind) or quote_found(token.text)
        if token.kind == kinds.BAD_NUMBER:
            found += ", neither a number nor a duration"
        self.fail_at(token.start, expected, found)

    def fail_since(self, start: int, expected: str) -> NoReturn:
        """Refuse what was taken since this offset."""
        self.fail_at(start, expected, quote_found(self.text[start : self.end]))

    def fail_at(self, offset: int, expected: str, found: str) -> NoReturn:
        """Refuse what stands at this offset."""
        raise QuerySyntaxError.at(self.text, offset, expected, found)

    def _fail_literal(self, token: Token, error: InvalidLiteralError) -> NoReturn:
        found = quote_found(token.text if error.found is None else error.found)
        self.fail_at(token.start + error.offset, error.expected, found)

    def _check_encodable(self) -> None:
        try:
            self.text.encode()
        except UnicodeEncodeError as error:
            surrogate = f"the lone surrogate U+{ord(self.text[error.start]):04X}"
            self.fail_at(error.start, "a Unicode character", surrogate)


def quote_found(text: str) -> str:
    r"""Return an offending text in quotes (its own, if it has some), in one line, cut where long.

    Example:
        >>> print(quote_found("5\n"), quote_found("'a'"), quote_found("x" * 50))
        "5\n" 'a' "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx..."
    """
    line = text.replace("\n", "\\n")
    if len(line) > FOUND_CHARACTERS_MAX:
        line = line[:FOUND_CHARACTERS_MAX] + "..."
    return line if line[0] in "\"'`" else f'"{line}"'
