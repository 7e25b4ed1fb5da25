"""E-mail: one message, plain and HTML, to all recipients of an integration.

The Message-ID is made of the message's stable key, so that mail systems and people know a duplicate
for one. All messages of a group refer to one thread.

Source: RFC 5321 (a reply of 4yz may be tried again, 5yz not), RFC 5322; prometheus/alertmanager
notify/email/email.go (port 465 speaks TLS at once; else STARTTLS where require_tls is on).
"""

from __future__ import annotations

import logging
import ssl
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, getaddresses
from typing import Final

import aiosmtplib

from sakshi.alerting.errors import RefusedError, RetryableError
from sakshi.alerting.notification import Notification
from sakshi.alerting.plain import cut, one_line, plain_text, plain_title
from sakshi.alerting.receiver import EmailConfig
from sakshi.alerting.rendering import TemplateSet, render_or_plain
from sakshi.model.clock import Clock
from sakshi.template import TemplateError

logger = logging.getLogger(__name__)

HEADER_CHARACTERS_MAX: Final = 300
REPLY_TIMEOUT_SECONDS: Final = 10.0
"""For each command. The dispatcher limits the whole."""

PARTLY_SENT_MAX: Final = 1000
"""Messages remembered of which some recipients were accepted, and others put off."""

IMPLICIT_TLS_PORT: Final = 465


@dataclass(frozen=True)
class _Content:
    """The parts of a message that templates make.

    Args:
        headers: by name; one line each.
        text: empty: no plain part.
        html: empty: no HTML part.
    """

    headers: Mapping[str, str]
    text: str
    html: str = ""


class EmailNotifier:
    """Sends through one smarthost.

    A recipient that is put off (4yz) is tried again alone; the others do not get the message twice.

    Args:
        config: completed; nothing is missing.
        templates: renders the configuration's texts.
        clock: for the header `Date`.
        tls_context: None: the system's certificates.
    """

    def __init__(
        self,
        config: EmailConfig,
        templates: TemplateSet,
        clock: Clock,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        assert not config.missing()
        self._config = config
        self._templates = templates
        self._clock = clock
        self._tls_context = tls_context
        self._accepted: OrderedDict[str, set[str]] = OrderedDict()
        """By message key: the recipients that have it, while others are put off."""

    async def notify(self, notification: Notification) -> None:
        """Send a message; a reply of 2yz to the data accepts it.

        Raises:
            RetryableError: the server may take it later.
            RefusedError: it will not.
        """
        content = render_or_plain(notification, self._rendered, self._plain)
        sender = self._addresses([self._config.from_ or ""], notification)[0]
        recipients = self._addresses(self._config.to, notification)
        accepted = self._accepted.get(notification.key, set())
        pending = [address for address in recipients if address not in accepted]
        try:
            message = self._message(notification, content, sender, recipients)
            put_off = await self._deliver(message, sender, pending)
        except aiosmtplib.SMTPException as error:
            raise self._failure(error) from None
        except OSError as error:
            raise RetryableError(str(error)) from None
        except (ValueError, HeaderParseError) as error:  # an address or header that cannot be sent
            raise RefusedError(f"the message cannot be written: {error}") from None
        self._remember(notification.key, accepted | (set(pending) - put_off), put_off)

    def _rendered(self, notification: Notification) -> _Content:
        texts = self._templates.render_all(self._config.texts(), notification)
        headers = {
            name.removeprefix("headers."): cut(one_line(text), HEADER_CHARACTERS_MAX)
            for name, text in texts.items()
            if name.startswith("headers.")
        }
        return _Content(headers, texts["text"], texts["html"])

    def _plain(self, notification: Notification) -> _Content:
        text = plain_text(notification, self._templates.external_url)
        return _Content({"Subject": plain_title(notification)}, text)

    def _addresses(self, texts: Sequence[str], notification: Notification) -> list[str]:
        """Return the bare addresses of an address list, which may be a template."""
        try:
            rendered = [
                self._templates.render(text, notification) if "{{" in text else text
                for text in texts
            ]
        except TemplateError as error:
            raise RefusedError(f"no address: {error}") from None
        pairs = getaddresses([one_line(text) for text in rendered])
        addresses = [address for _, address in pairs if address]
        if not addresses:
            raise RefusedError("no address: the list is empty")
        return addresses

    def _message(
        self,
        notification: Notification,
        content: _Content,
        sender: str,
        recipients: Sequence[str],
    ) -> bytes:
        domain = sender.rpartition("@")[2] or "localhost"
        moment = datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC)
        message = EmailMessage(policy=SMTP_POLICY)
        headers = {
            "From": one_line(self._config.from_ or sender),
            "To": ", ".join(recipients),
            "Date": format_datetime(moment),
            "Message-ID": f"<{notification.key}@{domain}>",
            "References": f"<group-{notification.group_hash[:32]}@{domain}>",
            "Auto-Submitted": "auto-generated",
            **content.headers,
        }
        for name, value in headers.items():
            del message[name]  # a header of the configuration replaces ours, however it is written
            message[name] = value
        text = _encodable(content.text)
        if text or not content.html:
            message.set_content(text)
        if content.html and text:
            message.add_alternative(_encodable(content.html), subtype="html")
        elif content.html:
            message.set_content(_encodable(content.html), subtype="html")
        return message.as_bytes()

    async def _deliver(self, message: bytes, sender: str, recipients: Sequence[str]) -> set[str]:
        """Send a message; return the recipients that were put off.

        Raises:
            aiosmtplib.SMTPException: nobody got it.
        """
        config = self._config
        host, port = config.address
        has_tls_at_once = port == IMPLICIT_TLS_PORT
        password = config.auth_password
        client = aiosmtplib.SMTP(
            hostname=host,
            port=port,
            local_hostname=config.hello,
            timeout=REPLY_TIMEOUT_SECONDS,
            use_tls=has_tls_at_once,
            start_tls=bool(config.require_tls) and not has_tls_at_once,
            tls_context=self._tls_context,
            username=config.auth_username or None,
            password=password.reveal() if config.auth_username and password else None,
        )
        try:
            await client.connect()
            refusals, _ = await client.sendmail(sender, recipients, message)
            await _say_goodbye(client)
        finally:
            client.close()
        for address, reply in refusals.items():
            logger.warning("recipient not accepted address=%s code=%s", address, reply.code)
        return {address for address, reply in refusals.items() if 400 <= reply.code < 500}

    def _remember(self, key: str, accepted: set[str], put_off: set[str]) -> None:
        """Note who has the message.

        Raises:
            RetryableError: somebody was put off.
        """
        if not put_off:
            self._accepted.pop(key, None)
            return
        self._accepted[key] = accepted
        if len(self._accepted) > PARTLY_SENT_MAX:
            self._accepted.popitem(last=False)
        raise RetryableError("put off: " + ", ".join(sorted(put_off)))

    def _failure(self, error: aiosmtplib.SMTPException) -> RetryableError | RefusedError:
        """Return what an SMTP error means."""
        code, reason = _code_and_reason(error)
        password = self._config.auth_password
        reason = cut(one_line(reason), 300)
        if password is not None:
            reason = password.hide_in(reason)
        if code is not None:
            is_retryable = 400 <= code < 500
            return (RetryableError if is_retryable else RefusedError)(f"reply {code}: {reason}")
        is_lost = isinstance(error, _LOST)
        return (RetryableError if is_lost else RefusedError)(reason)


_LOST: Final = (
    aiosmtplib.SMTPServerDisconnected,
    aiosmtplib.SMTPConnectError,
    aiosmtplib.SMTPTimeoutError,
)


def _code_and_reason(error: aiosmtplib.SMTPException) -> tuple[int | None, str]:
    """Return the reply's code and text; of several refusals, a retryable one."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        worst = min(error.recipients, key=lambda refusal: refusal.code)
        return worst.code, f"{worst.recipient}: {worst.message}"
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return error.code, error.message
    return None, str(error) or type(error).__name__


async def _say_goodbye(client: aiosmtplib.SMTP) -> None:
    """End the session; how the server takes it does not matter any more."""
    try:
        await client.quit()
    except (aiosmtplib.SMTPException, OSError):
        logger.debug("the server did not say goodbye")


def _encodable(text: str) -> str:
    """Return a text that UTF-8 can hold: half a surrogate pair becomes a question mark."""
    return text.encode("utf-8", "replace").decode()
