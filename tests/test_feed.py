"""The feed: what the screen is told, and when."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from gradtui.tui import feed
from gradtui.tui.feed import Feed


async def test_a_stop_is_told_at_once_though_a_telling_is_put_off(monkeypatch: Any) -> None:
    monkeypatch.setattr(feed, "RATE", 1e-6)
    run = SimpleNamespace(stopped=False, session=SimpleNamespace(exited=None))
    told: list[bool] = []
    listening = Feed(cast(Any, run), lambda: told.append(run.stopped))
    listening._loop = asyncio.get_running_loop()
    listening._told = feed.time.monotonic()
    listening._tell()
    await asyncio.sleep(0)
    assert told == []
    run.stopped = True
    listening._tell()
    for _ in range(100):
        await asyncio.sleep(0)
    assert told == [True]
    listening.stop()
