"""What can be wrong with a template.

SakshiError
└── TemplateError               has the place: template, line, column
    ├── TemplateSyntaxError     the text is no template; found before anything runs
    ├── TemplateExecutionError  a field that is not there, a function that fails
    └── TemplateLimitError      too long, too deep, too many steps, too much output
"""

from __future__ import annotations

from sakshi.model.errors import SakshiError


class TemplateError(SakshiError):
    """Root of the template errors: `summary:1:17: unexpected "|"`.

    Args:
        name: the template's name.
        line: 1-based.
        column: 1-based, in characters.
        message: what is wrong, in words.
    """

    def __init__(self, name: str, line: int, column: int, message: str) -> None:
        self.name, self.line, self.column, self.message = name, line, column, message
        super().__init__(f"{name}:{line}:{column}: {message}")


class TemplateSyntaxError(TemplateError):
    """The text is no template."""


class TemplateExecutionError(TemplateError):
    """The template asks for something that its data or functions do not give."""


class TemplateLimitError(TemplateError):
    """The template goes beyond a limit; the message names the limit."""


class FunctionError(SakshiError):
    """A function refuses its arguments; the interpreter adds the place and raises it on."""


class SizeLimitError(FunctionError):
    """A function's result would be longer than allowed."""
