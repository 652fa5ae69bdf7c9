"""Ask every address of ``book/resources.yml`` whether it still answers.

    python tools/check_links.py            # a report; exit 1 where one is gone and not marked
    python tools/check_links.py --mark     # writes into the file what is gone, and what came back

Standard library only, so that it runs before anything is installed. An address is *gone* when its
server says so (404, 410), when its name has no server, or when nobody answers at its door. A server
that is slow, has trouble of its own (500) or refuses programs (403, 429) proves nothing: that is
*unclear*, and is not marked. Where not one address answers, there is no network: nothing is marked.
"""

from __future__ import annotations

import argparse
import datetime
import re
import socket
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

FILE = Path(__file__).resolve().parents[1] / "book" / "resources.yml"
ARCHIVE = "https://web.archive.org/web/2020*/"
ALIVE, GONE, UNCLEAR = "alive", "gone", "unclear"

_AGENT = "descent-link-check (a course's own links, once a day)"
_GONE_CODES = (404, 410)
_PASSING_CODES = (408, 425, 429, 500, 502, 503, 504)
_YOUTUBE = re.compile(r"https?://(www\.)?youtube\.com/(watch\?|playlist\?)")
_FIELD = re.compile(r"    (url|url_from|dead|archive): (.+)")


@dataclass(frozen=True)
class Patience:
    """How long to wait: for an answer, between two questions to one server, before a new try."""

    timeout: float = 20.0  # seconds
    pause: float = 1.0  # seconds
    tries: int = 3
    workers: int = 8  # servers that are asked at one time


@dataclass(frozen=True)
class Answer:
    """What became of one address; ``moved_to`` is where a redirect led."""

    url: str
    state: str
    detail: str
    moved_to: str | None = None


def check_all(urls: Iterable[str], patience: Patience) -> dict[str, Answer]:
    """Ask every address once: many servers at a time, each server one question after another."""
    by_server: dict[str, list[str]] = defaultdict(list)
    for url in dict.fromkeys(urls):
        by_server[urllib.parse.urlsplit(url).netloc].append(url)
    with ThreadPoolExecutor(patience.workers) as pool:
        asked = [pool.submit(_ask_one_by_one, group, patience) for group in by_server.values()]
        answers = [answer for future in asked for answer in future.result()]
    return {answer.url: answer for answer in answers}


def _ask_one_by_one(urls: list[str], patience: Patience) -> list[Answer]:
    answers = []
    for place, url in enumerate(urls):
        if place:
            time.sleep(patience.pause)
        answers.append(check(url, patience))
    return answers


def check(url: str, patience: Patience) -> Answer:
    """Ask one address: first for its head alone, then, where that is refused, for the page.

    What may pass is asked again, after twice the pause, and then four times.
    """
    for attempt in range(patience.tries):
        if attempt:
            time.sleep(patience.pause * 2**attempt)
        answer, may_pass = _try(url, patience.timeout)
        if not may_pass:
            break
    return answer


def _try(url: str, timeout: float) -> tuple[Answer, bool]:
    """Return the answer of one attempt, and whether another might be better."""
    status = 0
    for method in ("HEAD", "GET"):
        request = urllib.request.Request(
            _asked(url), method=method, headers={"User-Agent": _AGENT, "Accept": "*/*"}
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout) as reply:
                return Answer(url, ALIVE, str(reply.status), _moved(request, reply.url)), False
        except urllib.error.HTTPError as error:
            error.close()
            status = error.code
            if status == 429:
                break  # it asks for fewer questions, not for another
        except (OSError, HTTPException, ValueError) as error:
            return _without_reply(url, error)
    state = GONE if status in _GONE_CODES else UNCLEAR
    return Answer(url, state, f"status {status}"), status in _PASSING_CODES


def _asked(url: str) -> str:
    """Return what is asked. YouTube's page of a video that is gone answers 200; this does not."""
    if not _YOUTUBE.match(url):
        return url
    return f"https://www.youtube.com/oembed?format=json&url={urllib.parse.quote(url, safe='')}"


def _moved(request: urllib.request.Request, arrived: str) -> str | None:
    return arrived if arrived != request.full_url else None


def _without_reply(url: str, error: Exception) -> tuple[Answer, bool]:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, socket.gaierror):
        if cause.errno == socket.EAI_AGAIN:
            return Answer(url, UNCLEAR, "its name could not be looked up"), True
        return Answer(url, GONE, "no server of this name"), True
    if isinstance(cause, ConnectionRefusedError):
        return Answer(url, GONE, "nobody answers there"), True
    if isinstance(cause, TimeoutError):
        return Answer(url, UNCLEAR, "no answer in time"), True
    return Answer(url, UNCLEAR, " ".join(str(cause).split()) or type(cause).__name__), True


def read_links(text: str) -> dict[str, bool]:
    """Return the address of every resource, and whether all that have it are marked as gone."""
    links: dict[str, bool] = {}
    for _, fields in _entries(text):
        if "url" in fields:
            url = fields["url"]
            links[url] = "dead" in fields and links.get(url, True)
    return links


def with_marks(text: str, answers: dict[str, Answer], today: datetime.date) -> str:
    """Return the file with what is gone marked, and without the marks of what came back.

    A mark that stands keeps its day. What is unclear stays as it was.
    """
    parts = []
    for entry, fields in _entries(text):
        answer = answers.get(fields.get("url", ""))
        if answer is not None and answer.state == ALIVE:
            entry = re.sub(r"(?m)^    (dead|archive): .*\n", "", entry)
        elif answer is not None and answer.state == GONE and "dead" not in fields:
            before, line, after = re.split(r"(?m)^(    url_from: .*\n)", entry, maxsplit=1)
            marks = f"    dead: {today}\n    archive: {ARCHIVE}{answer.url}\n"
            entry = f"{before}{line}{marks}{after}"
        parts.append(entry)
    return "".join(parts)


def _entries(text: str) -> list[tuple[str, dict[str, str]]]:
    """Cut the file before each resource; return each piece with its address and its marks."""
    pieces = re.split(r"(?m)^(?=  - id: )", text)
    return [(piece, dict(_FIELD.findall(piece))) for piece in pieces]


def report(answers: dict[str, Answer], links: dict[str, bool]) -> str:
    """Return the report: what is gone, unclear, come back and moved, then the numbers."""
    lines = []
    for answer in sorted(answers.values(), key=lambda answer: answer.url):
        marked = links[answer.url]
        if answer.state != ALIVE:
            note = " (marked)" if marked else ""
            lines.append(f"{answer.state}{note}: {answer.url}: {answer.detail}")
        elif marked:
            lines.append(f"came back: {answer.url}")
        elif answer.moved_to:
            lines.append(f"moved: {answer.url} -> {answer.moved_to}")
    counts = dict.fromkeys((ALIVE, UNCLEAR, GONE), 0)
    for answer in answers.values():
        counts[answer.state] += 1
    numbers = ", ".join(f"{count} {state}" for state, count in counts.items())
    return "\n".join([*sorted(lines), f"{len(answers)} addresses: {numbers}."])


def main(arguments: list[str] | None = None) -> int:
    """Check the file; return 1 where an address is gone and not marked, 2 without a network."""
    usual = Patience()
    parser = argparse.ArgumentParser(description="Ask the addresses of the resources.")
    parser.add_argument("--file", type=Path, default=FILE)
    parser.add_argument("--mark", action="store_true", help="write into the file what is gone")
    parser.add_argument("--timeout", type=float, default=usual.timeout, help="seconds")
    parser.add_argument("--pause", type=float, default=usual.pause, help="seconds")
    asked = parser.parse_args(arguments)
    try:
        text = asked.file.read_text(encoding="utf-8")
    except OSError as error:
        print(f"{asked.file} cannot be read ({error.strerror}).", file=sys.stderr)
        return 2
    links = read_links(text)
    answers = check_all(links, Patience(asked.timeout, asked.pause))
    print(report(answers, links))
    if not any(answer.state == ALIVE for answer in answers.values()):
        print("Not one address answers: there is no network here. Nothing is marked.")
        return 2
    if asked.mark:
        marked = with_marks(text, answers, datetime.date.today())
        asked.file.write_text(marked, encoding="utf-8")
        if marked != text:
            print("Marks were written. The page is made from them by: make chapters")
        links = read_links(marked)
    unmarked = [url for url, answer in answers.items() if answer.state == GONE and not links[url]]
    return 1 if unmarked else 0


if __name__ == "__main__":
    sys.exit(main())
