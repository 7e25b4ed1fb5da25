"""Reads a template into its tree: recursive descent, one method a construct of the language.

    block    = { text | action | if | with | range | call | definition }
    pipeline = [ variable [ "," variable ] ( ":=" | "=" ) ] command { "|" command }
    command  = operand { operand }
    operand  = term { field }
    term     = literal | "." | field | variable | function | "(" pipeline ")"

Functions and variables must be known when the template is read, so that a typing error is found
when the file is loaded, not when the pager should ring.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NoReturn

from sakshi.template.errors import TemplateLimitError, TemplateSyntaxError
from sakshi.template.literal import parse_character, parse_number, parse_string
from sakshi.template.node import (
    Action,
    Block,
    Break,
    Call,
    Chain,
    Command,
    Continue,
    Field,
    Function,
    If,
    Literal,
    Nil,
    Node,
    Pipeline,
    Range,
    Text,
    Variable,
    With,
)
from sakshi.template.token import Kind, Token, TokenError, iter_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT_CHARACTERS_MAX: Final = (
    1 << 20
)  # a notification template is a few KB; Alertmanager's own 10 KB
DEPTH_MAX: Final = 60  # nested blocks and parentheses; each costs a few frames of Python's 1,000

_CONSTANTS: Final = {"true": True, "false": False}
_KEYWORDS: Final = frozenset(
    {"block", "break", "continue", "define", "else", "end", "if", "range", "template", "with"}
    | {"true", "false", "nil"}
)
_BRANCHES: Final[dict[str, type[If] | type[With] | type[Range]]] = {
    "if": If,
    "with": With,
    "range": Range,
}
_LITERALS: Final[dict[Kind, Callable[[str], str | int | float]]] = {
    Kind.STRING: parse_string,
    Kind.RAW_STRING: parse_string,
    Kind.CHARACTER: parse_character,
    Kind.NUMBER: parse_number,
}
_ENDS_PIPELINE: Final = frozenset({Kind.CLOSE, Kind.RIGHT, Kind.END})


@dataclass(frozen=True)
class Tree:
    """What a text holds: its own block, and the templates that it defines."""

    root: Block
    definitions: dict[str, Block] = field(default_factory=dict)


def parse_tree(
    name: str, text: str, functions: Collection[str], variables: Iterable[str] = ()
) -> Tree:
    """Return the tree of a template.

    Args:
        name: for error messages.
        text: the template.
        functions: names of the functions that may be called.
        variables: names, with their `$`, of variables that exist beside `$`.

    Raises:
        TemplateSyntaxError: the text is no template, or calls what does not exist.
        TemplateLimitError: the text is longer than 1 MiB or nested deeper than 60.

    Source:
        golang/go src/text/template/parse/parse.go.
    """
    return _Parser(name, text, functions, variables).parse()


class _Parser:
    """One pass over the tokens of one text."""

    def __init__(
        self, name: str, text: str, functions: Collection[str], variables: Iterable[str]
    ) -> None:
        self._name, self._text, self._functions = name, text, functions
        if len(text) > TEXT_CHARACTERS_MAX:
            raise TemplateLimitError(
                name, 1, 1, f"the text is longer than {TEXT_CHARACTERS_MAX} characters"
            )
        try:
            self._tokens = list(iter_tokens(text))
        except TokenError as error:
            self._fail(error.position, error.message)
        self._index = 0
        self._variables = ["$", *variables]
        self._depth = self._ranges = 0
        self._definitions: dict[str, Block] = {}

    def parse(self) -> Tree:
        root, end = self._block(is_top=True)
        if end is not None:
            self._fail(end.position, f"unexpected {{{{{end.text}}}}} outside of a block")
        return Tree(root, self._definitions)

    # Blocks.

    def _block(self, *, is_top: bool = False) -> tuple[Block, Token | None]:
        """Return nodes up to the END, or up to the `end` or `else` that is returned too."""
        nodes: list[Node] = []
        while True:
            token = self._next()
            if token.kind is Kind.END:
                return tuple(nodes), None
            if token.kind is Kind.TEXT:
                nodes.append(Text(token.text, position=token.position))
                continue
            word = self._peek()
            if word.kind is Kind.WORD and word.text in ("end", "else"):
                return tuple(nodes), self._next()
            if word.kind is Kind.WORD and word.text == "define":
                self._define(self._next(), is_top)
            else:
                nodes.append(self._action())

    def _action(self) -> Node:
        token = self._peek()
        if token.kind is Kind.WORD and token.text in _STATEMENTS:
            return _STATEMENTS[token.text](self, self._next())
        pipeline = self._pipeline("a command")
        self._close()
        return Action(pipeline, position=token.position)

    def _branch(self, keyword: Token) -> If | With | Range:
        with self._scope(keyword):
            return self._open_branch(keyword)

    def _open_branch(self, keyword: Token) -> If | With | Range:
        is_range = keyword.text == "range"
        pipeline = self._pipeline(f"a value for {keyword.text}", variables_max=1 + is_range)
        self._close()
        self._ranges += is_range
        body, ending = self._block()
        self._ranges -= is_range
        otherwise: Block = ()
        if ending is not None and ending.text == "else":
            otherwise, ending = self._otherwise(keyword)
        if ending is None:
            self._fail(keyword.position, f"expected {{{{end}}}} to close this {keyword.text}")
        if ending.text == "else":
            self._fail(ending.position, f"a second else in one {keyword.text}")
        self._close()
        node = _BRANCHES[keyword.text]
        return node(pipeline, body, otherwise, position=keyword.position)

    def _otherwise(self, keyword: Token) -> tuple[Block, Token | None]:
        """Read what follows an else; an `else if` shares the `end` of the block that it is in."""
        following = self._peek()
        if following.kind is Kind.WORD and following.text == keyword.text != "range":
            self._next()
            with self._scope(following):
                nested = self._open_branch(following)
            self._index -= 2  # the nested branch took `end` and `}}`, which are ours too
            return (nested,), self._next()
        self._close()
        return self._block()

    def _call(self, keyword: Token) -> Call:
        name = self._template_name(keyword)
        pipeline = None
        if self._peek().kind is not Kind.CLOSE:
            pipeline = self._pipeline("a value for template")
        self._close()
        return Call(name, pipeline, position=keyword.position)

    def _named_block(self, keyword: Token) -> Call:
        name = self._template_name(keyword)
        pipeline = self._pipeline("a value for block")
        self._close()
        self._definition(keyword, name)
        return Call(name, pipeline, position=keyword.position)

    def _define(self, keyword: Token, is_top: bool) -> None:
        if not is_top:
            self._fail(keyword.position, "a define inside of another block")
        name = self._template_name(keyword)
        self._close()
        self._definition(keyword, name)

    def _definition(self, keyword: Token, name: str) -> None:
        """Read a definition's body up to its end; it sees no variables from outside but `$`."""
        outer, self._variables = self._variables, ["$"]
        ranges, self._ranges = self._ranges, 0
        with self._scope(keyword):
            body, ending = self._block()
        self._variables, self._ranges = outer, ranges
        if ending is None or ending.text != "end":
            self._fail(keyword.position, f"expected {{{{end}}}} to close this {keyword.text}")
        self._close()
        if self._definitions.get(name):
            self._fail(keyword.position, f'the template "{name}" is defined twice')
        self._definitions[name] = body

    def _template_name(self, keyword: Token) -> str:
        token = self._next()
        if token.kind not in (Kind.STRING, Kind.RAW_STRING):
            self._unexpected(token, f"a name in quotes after {keyword.text}")
        return str(self._literal(token).value)

    def _jump(self, keyword: Token) -> Break | Continue:
        if not self._ranges:
            self._fail(keyword.position, f"{{{{{keyword.text}}}}} outside of a range")
        self._close()
        node = Break if keyword.text == "break" else Continue
        return node(position=keyword.position)

    # Pipelines.

    def _pipeline(self, expected: str, *, variables_max: int = 1) -> Pipeline:
        start = self._peek()
        variables, assigns = self._targets(variables_max)
        commands = [self._command(expected)]
        while self._peek().kind is Kind.PIPE:
            pipe = self._next()
            command = self._command(f"a command after {Kind.PIPE}")
            if not isinstance(command.operands[0], Function | Variable | Chain | Field | Pipeline):
                self._fail(pipe.position, "a constant cannot take a piped value")
            if command.operands[0] == Field(position=command.operands[0].position):
                self._fail(pipe.position, "the dot cannot take a piped value")
            commands.append(command)
        if not assigns:
            self._variables.extend(variables)
        return Pipeline(tuple(commands), variables, assigns, position=start.position)

    def _targets(self, variables_max: int) -> tuple[tuple[str, ...], bool]:
        """Read `$x :=`, `$x =` or `$i, $x :=`, if the pipeline begins so."""
        start = self._index
        names: list[Token] = []
        while self._peek().kind is Kind.VARIABLE and len(names) < variables_max:
            names.append(self._next())
            if self._peek().kind is not Kind.COMMA or len(names) == variables_max:
                break
            self._next()
        operator = self._peek()
        if not names or operator.kind not in (Kind.DECLARE, Kind.ASSIGN):
            if operator.kind is Kind.COMMA and names:
                self._fail(operator.position, "too many variables")
            self._index = start
            return (), False
        self._next()
        assigns = operator.kind is Kind.ASSIGN
        for name in names if assigns else ():
            self._require_variable(name)
        return tuple(name.text for name in names), assigns

    def _command(self, expected: str) -> Command:
        start = self._peek()
        if start.kind in _ENDS_PIPELINE or start.kind is Kind.PIPE:
            self._unexpected(start, expected)
        operands: list[Node] = []
        while self._peek().kind not in _ENDS_PIPELINE and self._peek().kind is not Kind.PIPE:
            operands.append(self._operand())
        if isinstance(operands[0], Nil):
            self._fail(start.position, "nil is no command")
        if len(operands) > 1 and isinstance(operands[0], Literal):
            self._fail(operands[1].position, "a constant cannot take arguments")
        return Command(tuple(operands), position=start.position)

    def _operand(self) -> Node:
        term = self._term()
        names: list[str] = []
        while self._peek().kind is Kind.FIELD and not self._peek().follows_blank:
            names.append(self._next().text[1:])
        if not names:
            return term
        match term:
            case Field(own):
                return Field((*own, *names), position=term.position)
            case Variable(name, own):
                return Variable(name, (*own, *names), position=term.position)
            case Pipeline():
                return Chain(term, tuple(names), position=term.position)
        return self._fail(term.position, f'unexpected ".{names[0]}" after a constant or function')

    def _term(self) -> Node:
        token = self._next()
        place = token.position
        match token.kind:
            case Kind.DOT:
                return Field(position=place)
            case Kind.FIELD:
                return Field((token.text[1:],), position=place)
            case Kind.VARIABLE:
                return Variable(self._require_variable(token), position=place)
            case Kind.LEFT:
                return self._parenthesis(token)
            case Kind.WORD:
                return self._word(token)
        if token.kind in _LITERALS:
            return self._literal(token)
        return self._unexpected(token, "an operand")

    def _parenthesis(self, left: Token) -> Pipeline:
        with self._scope(left):
            pipeline = self._pipeline('a value after "("')
        right = self._next()
        if right.kind is not Kind.RIGHT:
            self._fail(left.position, 'expected ")" to close this parenthesis')
        return pipeline

    def _word(self, token: Token) -> Node:
        if token.text == "nil":
            return Nil(position=token.position)
        if token.text in _CONSTANTS:
            return Literal(_CONSTANTS[token.text], position=token.position)
        if token.text in _KEYWORDS:
            self._unexpected(token, "an operand")
        if token.text not in self._functions:
            self._fail(token.position, f'function "{token.text}" is not defined')
        return Function(token.text, position=token.position)

    def _literal(self, token: Token) -> Literal:
        try:
            return Literal(_LITERALS[token.kind](token.text), position=token.position)
        except (ValueError, OverflowError) as error:
            self._fail(token.position, str(error))

    def _require_variable(self, token: Token) -> str:
        if token.text not in self._variables:
            self._fail(token.position, f'variable "{token.text}" is not defined')
        return token.text

    # Tokens, scopes, errors.

    def _peek(self) -> Token:
        return self._tokens[self._index]

    def _next(self) -> Token:
        token = self._tokens[self._index]
        self._index = min(self._index + 1, len(self._tokens) - 1)
        return token

    def _close(self) -> None:
        token = self._next()
        if token.kind is not Kind.CLOSE:
            self._unexpected(token, str(Kind.CLOSE))

    @contextmanager
    def _scope(self, opening: Token) -> Iterator[None]:
        """Nest one level: variables that are declared inside end with it."""
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise TemplateLimitError(
                *self._place(opening.position), f"nested deeper than {DEPTH_MAX}"
            )
        count = len(self._variables)
        yield
        del self._variables[count:]
        self._depth -= 1

    def _unexpected(self, token: Token, expected: str) -> NoReturn:
        has_text = token.kind not in (Kind.TEXT, Kind.END)
        shown = f'"{token.text}"' if has_text else str(token.kind)
        self._fail(token.position, f"expected {expected}, found {shown}")

    def _fail(self, position: int, message: str) -> NoReturn:
        raise TemplateSyntaxError(*self._place(position), message) from None

    def _place(self, position: int) -> tuple[str, int, int]:
        return locate(self._name, self._text, position)


_STATEMENTS: Final[dict[str, Callable[[_Parser, Token], Node]]] = {
    "if": _Parser._branch,
    "with": _Parser._branch,
    "range": _Parser._branch,
    "template": _Parser._call,
    "block": _Parser._named_block,
    "break": _Parser._jump,
    "continue": _Parser._jump,
}


def locate(name: str, text: str, position: int) -> tuple[str, int, int]:
    """Return a template's name with the line and column, both 1-based, of a character offset."""
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    return name, line, column
