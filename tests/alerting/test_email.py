from __future__ import annotations

import ssl
from collections import deque
from dataclasses import replace
from typing import Any

import pytest
from tests.alerting.loopback import MailReceiver, mail_receiver
from tests.alerting.message import KEY, notification
from tests.conftest import FakeClock
from tests.ledger.incident import firing, resolved

from sakshi.alerting import (
    EmailConfig,
    GlobalConfig,
    RefusedError,
    RetryableError,
    Secret,
    TemplateSet,
)
from sakshi.alerting.email import PARTLY_SENT_MAX, EmailNotifier
from sakshi.model.labels import Labels

CONFIG = EmailConfig(
    ("tech-lead@example.org", "on-call@example.org"),
    from_="sakshi <sakshi@example.org>",
    require_tls=False,
)


class Sender:
    """Builds notifiers to a server."""

    def __init__(self, server: MailReceiver, templates: TemplateSet, clock: FakeClock) -> None:
        self.server, self.templates, self.clock = server, templates, clock

    def __call__(self, tls: ssl.SSLContext | None = None, **changes: Any) -> EmailNotifier:
        config = replace(CONFIG, smarthost=self.server.address, **changes)
        return EmailNotifier(config.completed(GlobalConfig()), self.templates, self.clock, tls)


@pytest.fixture
def sender(mail: MailReceiver, templates: TemplateSet, clock: FakeClock) -> Sender:
    return Sender(mail, templates, clock)


async def test_a_mail_has_its_headers_and_both_parts(sender: Sender, mail: MailReceiver) -> None:
    """Everybody is addressed, the key is the Message-ID, and a reader without HTML reads it too."""
    await sender(template="critical-alert-template").notify(notification())

    (sent,) = mail.mails
    message = sent.message
    assert sent.sender == "sakshi@example.org"
    assert list(sent.recipients) == ["tech-lead@example.org", "on-call@example.org"]
    assert message["From"] == "sakshi <sakshi@example.org>"
    assert message["To"] == "tech-lead@example.org, on-call@example.org"
    assert message["Date"] == "Tue, 14 Nov 2023 22:13:20 +0000"
    assert message["Message-ID"] == f"<{KEY}@example.org>"
    assert message["References"].startswith("<group-")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Subject"] == (
        "[CRITICAL] HighResponseTime: HighResponseTime is wrong (1 firing)"
    )
    assert "value    3.5" in sent.part("plain")
    assert "session=1" in sent.part("plain")
    assert "http://localhost:9090/#alert=" in sent.part("plain")
    assert "<!DOCTYPE html>" in sent.part("html")
    assert "act now" in sent.part("html")


@pytest.mark.parametrize(
    ("template", "firing_subject", "advice"),
    [
        ("critical-alert-template", "[CRITICAL]", "act now"),
        ("warning-alert-template", "[WARNING]", "look at it today"),
        ("info-alert-template", "[INFO]", "nothing has to be done now"),
        ("email.default", "[1 firing]", "needs your attention"),
    ],
)
async def test_each_shipped_template_tells_firing_and_resolved(
    sender: Sender, mail: MailReceiver, template: str, firing_subject: str, advice: str
) -> None:
    """The strategy's templates, by name; an all-clear does not ask for action."""
    notifier = sender(template=template)

    await notifier.notify(notification())
    await notifier.notify(notification(resolved(firing())))

    alarm, all_clear = mail.mails
    assert alarm.message["Subject"].startswith(firing_subject)
    assert advice in alarm.part("plain")
    assert advice in alarm.part("html")
    assert advice not in all_clear.part("plain") + all_clear.part("html")
    assert "resolved" in all_clear.message["Subject"].lower()
    assert "after 1m 0s" in all_clear.part("plain")


async def test_a_template_named_as_alertmanager_does_is_the_html_part(
    sender: Sender, mail: MailReceiver
) -> None:
    """`html: '{{ template "critical-alert-template" . }}'` works too."""
    await sender(html='{{ template "critical-alert-template" . }}').notify(notification())

    assert "CRITICAL" in mail.mails[0].part("html")


@pytest.mark.parametrize(
    ("text", "html", "kinds"),
    [
        pytest.param("only {{ .Status }}", "", ["text/plain"], id="plain only"),
        pytest.param("", "<p>{{ .Status }}</p>", ["text/html"], id="HTML only"),
        pytest.param("", "", ["text/plain"], id="neither: an empty plain part"),
    ],
)
async def test_a_part_without_text_is_left_out(
    sender: Sender, mail: MailReceiver, text: str, html: str, kinds: list[str]
) -> None:
    """An empty text in the file means: not this part."""
    await sender(text=text, html=html).notify(notification())

    parts = [part.get_content_type() for part in mail.mails[0].message.walk()]
    assert parts == kinds


async def test_headers_of_the_configuration_replace_ours(
    sender: Sender, mail: MailReceiver
) -> None:
    """However the name is written, there is one header of it; values are templates."""
    headers = {
        "subject": "now {{ .Status }}",
        "Reply-To": "team@example.org",
        "to": "all@example.org",
    }

    await sender(headers=headers).notify(notification())

    message = mail.mails[0].message
    assert message.get_all("Subject") == ["now firing"]
    assert message.get_all("To") == ["all@example.org"]
    assert message["Reply-To"] == "team@example.org"
    assert list(mail.mails[0].recipients) == ["tech-lead@example.org", "on-call@example.org"]


async def test_a_newline_in_a_label_stays_inside_the_subject(
    sender: Sender, mail: MailReceiver
) -> None:
    """No label adds a header or a recipient."""
    alert = firing("Slow\r\nBcc: everyone@example.org\r\n\r\n<h1>")

    await sender().notify(notification(alert))

    message = mail.mails[0].message
    assert "Slow Bcc: everyone@example.org" in message["Subject"]
    assert message["Bcc"] is None


async def test_a_template_that_fails_costs_its_ornament_only(
    sender: Sender, mail: MailReceiver
) -> None:
    """The same is told in plain words."""
    await sender(html="{{ .Missing.Field }}").notify(notification())

    (sent,) = mail.mails
    assert sent.message["Subject"] == (
        '[FIRING:1] HighResponseTime (session="1", severity="warning")'
    )
    assert "HighResponseTime is wrong" in sent.part("plain")


async def test_recipients_may_be_a_template(sender: Sender, mail: MailReceiver) -> None:
    """As Alertmanager's `to` may."""
    await sender(to=["{{ .CommonLabels.severity }}@example.org"]).notify(notification())

    assert list(mail.mails[0].recipients) == ["warning@example.org"]


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        pytest.param(["{{ .Missing.Field }}"], "no address: notifications:1", id="a bad template"),
        pytest.param(["{{ .CommonLabels.team }}"], "no address: the list is empty", id="nobody"),
        pytest.param(["ü@example.org\u0000"], "cannot be written|SMTPUTF8", id="no address at all"),
    ],
)
async def test_recipients_that_are_none_are_refused(
    sender: Sender, to: list[str], reason: str
) -> None:
    """There is nobody to tell, however often it is tried."""
    with pytest.raises(RefusedError, match=reason):
        await sender(to=to).notify(notification())


async def test_a_recipient_that_is_put_off_is_tried_again_alone(
    sender: Sender, mail: MailReceiver
) -> None:
    """Who has the message does not get it again; who has not, gets it with the same Message-ID."""
    mail.recipient_replies["on-call@example.org"] = deque(["450 greylisted"])
    notifier = sender()

    with pytest.raises(RetryableError, match=r"^put off: on-call@example\.org$"):
        await notifier.notify(notification())
    await notifier.notify(notification())
    await notifier.notify(notification())  # another one of the same key: all is forgotten

    first, second, third = mail.mails
    assert list(first.recipients) == ["tech-lead@example.org"]
    assert list(second.recipients) == ["on-call@example.org"]
    assert first.message["Message-ID"] == second.message["Message-ID"]
    assert len(third.recipients) == 2


async def test_a_recipient_that_does_not_exist_does_not_stop_the_others(
    sender: Sender, mail: MailReceiver
) -> None:
    """The message is delivered to who can have it."""
    mail.recipient_replies["tech-lead@example.org"] = deque(["550 no such user"])

    await sender().notify(notification())

    assert list(mail.mails[0].recipients) == ["on-call@example.org"]


@pytest.mark.parametrize(
    ("replies", "error", "reason"),
    [
        pytest.param(
            ["550 no such user", "550 no such user"],
            RefusedError,
            "reply 550: tech-lead@example.org: no such user",
            id="none exists",
        ),
        pytest.param(
            ["550 no such user", "452 mailbox full"],
            RetryableError,
            "reply 452: on-call@example.org: mailbox full",
            id="one may exist later",
        ),
    ],
)
async def test_when_no_recipient_is_accepted_the_kindest_reply_decides(
    sender: Sender, mail: MailReceiver, replies: list[str], error: type[Exception], reason: str
) -> None:
    """While one of them may be reached later, it is tried again."""
    for address, reply in zip(CONFIG.to, replies, strict=True):
        mail.recipient_replies[address] = deque([reply])

    with pytest.raises(error) as failure:
        await sender().notify(notification())

    assert str(failure.value) == reason


async def test_a_password_goes_over_tls(
    server_tls: ssl.SSLContext,
    client_tls: ssl.SSLContext,
    templates: TemplateSet,
    clock: FakeClock,
) -> None:
    """STARTTLS, then the login."""
    async with mail_receiver(server_tls, password="right") as server:
        notifier = Sender(server, templates, clock)(
            client_tls, require_tls=True, auth_username="u", auth_password=Secret("right")
        )

        await notifier.notify(notification())

        assert [(mail.user, mail.is_encrypted) for mail in server.mails] == [("u", True)]


async def test_a_wrong_password_is_refused_and_not_shown(
    server_tls: ssl.SSLContext,
    client_tls: ssl.SSLContext,
    templates: TemplateSet,
    clock: FakeClock,
) -> None:
    """The reason is the server's; the password is nobody's business."""
    async with mail_receiver(server_tls, password="right") as server:
        notifier = Sender(server, templates, clock)(
            client_tls, require_tls=True, auth_username="u", auth_password=Secret("wrong")
        )

        with pytest.raises(RefusedError, match="reply 535") as refusal:
            await notifier.notify(notification())

    assert "wrong" not in str(refusal.value)


async def test_a_server_without_tls_is_refused_where_tls_is_required(sender: Sender) -> None:
    """Nothing goes in clear that was meant to be hidden."""
    with pytest.raises(RefusedError, match="STARTTLS extension not supported"):
        await sender(require_tls=True).notify(notification())


async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(
    server_tls: ssl.SSLContext, templates: TemplateSet, clock: FakeClock
) -> None:
    """It is tried again: a certificate may be renewed."""
    async with mail_receiver(server_tls) as server:
        notifier = Sender(server, templates, clock)(require_tls=True)

        with pytest.raises(RetryableError):
            await notifier.notify(notification())

        assert server.mails == []


async def test_how_the_session_ends_does_not_matter(sender: Sender, mail: MailReceiver) -> None:
    """The message is accepted: a server that is rude at the end does not get it twice."""
    mail.goodbye = "421 go away"

    await sender().notify(notification())

    assert len(mail.mails) == 1


async def test_messages_that_are_partly_sent_are_not_remembered_for_ever(
    sender: Sender, mail: MailReceiver
) -> None:
    """Past the limit the oldest is forgotten: its recipients would get a duplicate, no more."""
    notifier = sender()
    mail.recipient_replies["on-call@example.org"] = deque(["450 greylisted"] * 2)
    for number in range(PARTLY_SENT_MAX + 1):
        if number in (0, PARTLY_SENT_MAX):
            with pytest.raises(RetryableError):
                await notifier.notify(replace(notification(), key=f"{number}"))
        else:
            with pytest.raises(RetryableError):
                notifier._remember(f"{number}", {"tech-lead@example.org"}, {"x@example.org"})

    await notifier.notify(replace(notification(), key=f"{PARTLY_SENT_MAX}"))
    await notifier.notify(replace(notification(), key="0"))

    first, second = "tech-lead@example.org", "on-call@example.org"
    recipients = [list(sent.recipients) for sent in mail.mails]
    assert recipients == [[first], [first], [second], [first, second]]


async def test_any_unicode_arrives(sender: Sender, mail: MailReceiver) -> None:
    """What stands in an annotation stands in the mail."""
    annotations = Labels({"summary": "größer als \U0001f525 साक्षी"})

    await sender().notify(notification(replace(firing(), annotations=annotations)))

    (sent,) = mail.mails
    assert "größer als \U0001f525 साक्षी" in sent.message["Subject"]
    assert "größer als \U0001f525 साक्षी" in sent.part("html")
