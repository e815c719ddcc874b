"""The one door from the dashboard to the agent service: reads, calls passed on, and the stream."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson
import requests
import urllib3
from requests.adapters import HTTPAdapter

CONNECT_TIMEOUT = 2.0  # seconds
SILENCE = 4.0  # seconds without a heartbeat (they come every 2) until the stream counts as dead
LONGEST_LINE = 1 << 20  # bytes of one line of the stream

Query = Mapping[str, Any]


class AgentAwayError(ConnectionError):
    """The agent does not answer."""


class AgentRefusedError(RuntimeError):
    """The agent answered that it would not; carries its words."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail or title)
        self.status = status
        self.title = title


@dataclass(frozen=True, slots=True)
class StreamMessage:
    """One message of the agent's stream; a heartbeat has no event."""

    event: str  # hello, change, refresh; empty for a heartbeat
    data: bytes = b""
    last_id: str = ""


class AgentClient:
    """Talk to one agent service; may be used by many threads."""

    def __init__(self, url: str, token: str | None = None, timeout: float = 10.0) -> None:
        self.url = url.rstrip("/")
        self._timeout = (CONNECT_TIMEOUT, timeout)
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy between two of our own services
        self._session.mount("http://", HTTPAdapter(pool_maxsize=48))
        self._session.mount("https://", HTTPAdapter(pool_maxsize=48))
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def read(self, path: str, **query: object) -> Any:
        """Return the JSON of a GET; what is None or empty in the query is left out.

        Raises:
            AgentAwayError: no answer, or one that is not the agent's.
            AgentRefusedError: it answered with an error.
        """
        wanted = {name: value for name, value in query.items() if value not in (None, "")}
        answer = self.pass_on("GET", path, query=wanted)
        try:
            content = orjson.loads(answer.content)
        except orjson.JSONDecodeError:
            raise AgentAwayError(f"{self.url} answered {answer.status_code} without JSON") from None
        if answer.status_code < 400:
            return content
        problem = content if isinstance(content, dict) else {}
        title, detail = str(problem.get("title", "error")), str(problem.get("detail") or "")
        raise AgentRefusedError(answer.status_code, title, detail)

    def pass_on(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        stream: bool = False,
    ) -> requests.Response:
        """Make one call and return the answer, whatever its status; `path` is percent-encoded.

        Raises:
            AgentAwayError: it did not answer.
        """
        try:
            return self._session.request(
                method,
                self.url + path,
                params=query,
                data=body,
                headers=dict(headers or {}),
                timeout=self._timeout,
                stream=stream,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise AgentAwayError(f"{self.url} does not answer: {type(error).__name__}") from None

    def follow(self, last_id: str = "") -> Iterator[StreamMessage]:
        """Yield the stream's messages and heartbeats until it breaks.

        Raises:
            AgentAwayError: no stream, or it broke or fell silent.
        """
        headers = {"Accept": "text/event-stream", "Accept-Encoding": "identity"}
        if last_id:
            headers["Last-Event-ID"] = last_id
        try:
            with self._session.get(
                f"{self.url}/api/stream",
                headers=headers,
                timeout=(CONNECT_TIMEOUT, SILENCE),
                stream=True,
            ) as answer:
                if answer.status_code != 200:
                    raise AgentAwayError(f"{self.url} answered {answer.status_code} to the stream")
                yield from read_messages(_lines(answer))
        # What breaks while the raw answer is read is urllib3's, not translated by requests.
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise AgentAwayError(f"the stream broke: {type(error).__name__}") from None
        raise AgentAwayError("the stream ended")


def item_path(unique_id: str) -> str:
    """Return the path of an item, whatever its name holds.

    >>> item_path("a//b?")
    '/api/items/a%2F%2Fb%3F'
    """
    return "/api/items/" + quote(unique_id, safe="")


def decision_path(decision_id: str) -> str:
    """Return the path of a decision."""
    return "/api/decisions/" + quote(decision_id, safe="")


def read_messages(lines: Iterator[bytes]) -> Iterator[StreamMessage]:
    r"""Put the lines of an event stream together to messages.

    >>> lines = [b"id: 7", b"event: change", b'data: {"seq":7}', b"", b": beat"]
    >>> [(m.event, m.data, m.last_id) for m in read_messages(iter(lines))]
    [('change', b'{"seq":7}', '7'), ('', b'', '')]
    """
    event, last_id = "message", ""
    data: list[bytes] = []
    for line in lines:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if not line:
            if data:
                yield StreamMessage(event, b"\n".join(data), last_id)
            event, last_id, data = "message", "", []
        elif not name:
            yield StreamMessage("")
        elif name == b"event":
            event = value.decode("utf-8", "replace")
        elif name == b"data":
            data.append(value)
        elif name == b"id":
            last_id = value.decode("utf-8", "replace")


def _lines(answer: requests.Response) -> Iterator[bytes]:
    """Yield lines as soon as they arrive; requests' own reader waits for a whole chunk."""
    kept = b""
    for piece in answer.raw.stream(amt=None, decode_content=True):
        *whole, kept = (kept + piece).split(b"\n")
        if len(kept) > LONGEST_LINE:
            raise AgentAwayError("the stream sent a line without end")
        yield from (line.removesuffix(b"\r") for line in whole)
