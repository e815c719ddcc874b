"""The agent's HTTP API as the generator and the launcher use it."""

from collections.abc import Iterator, Mapping
from typing import Any, Self

import requests

from streaming_production.generating.spool import Parcel

CONNECT, READ = 3.0, 60.0  # seconds; a full batch on a busy machine takes some
PAGE = 500  # rows of a list asked for at once
_LONGEST_RETRY_AFTER = 60.0  # seconds
_TRY_AGAIN = (408, 425, 429)


class AgentAwayError(ConnectionError):
    """The agent cannot be reached or asks for patience; the same request may be sent again."""

    def __init__(self, why: str, retry_after: float | None = None) -> None:
        super().__init__(why)
        self.retry_after = retry_after  # seconds, where the agent itself asked for patience


class AgentRefusedError(RuntimeError):
    """The agent answered 4xx: the same request would be refused again."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status


class AgentClient:
    """One connection to the agent; every call has a timeout."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url = url.rstrip("/")
        self._session = requests.Session()
        # A .netrc or a proxy of the environment would take the token's place, or the agent's.
        self._session.trust_env = False
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def get(self, path: str, **parameters: str | int) -> Any:
        """Return what the agent answers.

        Raises AgentAwayError or AgentRefusedError.
        """
        return self._ask("GET", path, params=parameters)

    def rows(self, path: str, name: str, **parameters: str | int) -> Iterator[dict[str, Any]]:
        """Yield all rows of a list, page by page."""
        page, read = 1, 0
        while True:
            answer = self.get(path, page=page, size=PAGE, **parameters)
            yield from answer[name]
            page, read = page + 1, read + len(answer[name])
            if not answer[name] or read >= answer["total"]:
                return

    def post(self, parcel: Parcel, waiting: int) -> Any:
        """Send a parcel, telling how many wait behind it; return the agent's answer.

        Raises AgentAwayError or AgentRefusedError.
        """
        headers = {**parcel.headers, "Spool-Size": str(waiting)}
        return self._ask("POST", parcel.path, data=parcel.body, headers=headers)

    def _ask(self, method: str, path: str, **given: Any) -> Any:
        try:
            response = self._session.request(
                method, self.url + path, timeout=(CONNECT, READ), allow_redirects=False, **given
            )
        except requests.ConnectionError:
            raise AgentAwayError(f"no agent answers at {self.url}") from None
        except requests.Timeout:
            raise AgentAwayError(f"the agent at {self.url} did not answer in time") from None
        except ValueError as error:
            raise ValueError(f"{self.url} is not an address of an agent: {error}") from None
        except requests.RequestException:
            raise AgentAwayError(f"the agent at {self.url} broke off its answer") from None
        if response.status_code >= 500 or response.status_code in _TRY_AGAIN:
            raise AgentAwayError(
                f"the agent at {self.url} answers {response.status_code}: {_detail(response)}",
                _retry_after(response.headers),
            )
        if not response.ok:
            raise AgentRefusedError(response.status_code, _detail(response))
        try:
            return response.json()
        except requests.JSONDecodeError:
            raise AgentRefusedError(404, f"{self.url} does not answer as agents do") from None


def _detail(response: requests.Response) -> str:
    """Return what the agent says of an error, with the first of its single errors."""
    try:
        problem = response.json()
        first = [str(error["message"]) for error in (problem.get("errors") or [])[:1]]
        reasons = "; ".join(problem.get("reasons") or [])
        said = problem.get("detail") or problem.get("message") or reasons or problem.get("title")
    except (requests.JSONDecodeError, AttributeError, KeyError, TypeError):
        said, first = None, []
    return ": ".join([str(said or response.reason), *first])


def _retry_after(headers: Mapping[str, str]) -> float | None:
    try:
        return min(max(float(headers["Retry-After"]), 0.0), _LONGEST_RETRY_AFTER)
    except (KeyError, ValueError):
        return None
