"""What a browser complains of."""

from playwright.sync_api import ConsoleMessage, Page

_TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`the policy forbids ${event.violatedDirective}: ${event.blockedURI}`));
"""


class Faults:
    """Errors of the console, errors that no script caught, and what the content security policy forbade."""

    def __init__(self) -> None:
        self._found: list[str] = []
        self._expected: list[str] = []

    def watch(self, page: Page) -> None:
        """Listen to a page from now on."""
        page.add_init_script(_TELL_VIOLATIONS)
        page.on("console", self._note)
        page.on("pageerror", lambda error: self._found.append(f"{page.url}: {error}"))

    def expect(self, text: str) -> None:
        """Let the faults pass that contain this text."""
        self._expected.append(text)

    def unexpected(self) -> list[str]:
        return [fault for fault in self._found if not any(text in fault for text in self._expected)]

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self._found.append(f"{message.location.get('url')}: {message.text}")
