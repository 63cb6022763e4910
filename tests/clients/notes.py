"""Messages that tests make."""

import email.message
import email.policy

# All octets there are, more than once, so that no transfer gets them right by chance.
PLAN = bytes(range(256)) * 40


def attached(number, user, octets=PLAN):
    """A message with an attachment, CRLF and all."""
    message = email.message.EmailMessage(email.policy.SMTP)
    message["From"], message["To"], message["Subject"] = "zoe@example.org", user, f"note {number}"
    message["Date"], message["Message-ID"] = "Tue, 3 Nov 2026 09:14:00 +0100", f"<{number}@example.org>"
    message.set_content("Anbei.\n")
    message.add_attachment(octets, "application", "octet-stream", filename="plan.bin")
    message.set_boundary(f"between-{number}")
    return message.as_bytes()
