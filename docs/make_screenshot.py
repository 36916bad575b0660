"""Makes `docs/screen.svg`, the picture in the README: the app over a real run, exported by the app itself.

python docs/make_screenshot.py [PROGRAM] [STEPS] [COLUMNSxROWS] [FILE]
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from gradtui.session.programs import open_program
from gradtui.session.run import Run
from gradtui.session.session import Plan
from gradtui.tui.app import DebuggerApp


async def picture(program: str, steps: int, size: tuple[int, int], target: Path) -> None:
    """Step a program `steps` times and save what is on the screen."""
    opened = open_program(program)
    run = Run(opened, Plan(opened.path))
    try:
        app = DebuggerApp.over_run(run)
        async with app.run_test(size=size) as pilot:
            for step in range(steps + 1):
                while app.state.cursor.step < step or not run.stopped:
                    await pilot.pause(0.05)
                if step < steps:
                    await pilot.press("n")
            await pilot.pause(0.5)
            target.write_text(app.export_screenshot(title="gradtui"))
    finally:
        run.close()


def main() -> None:
    """Read the command line."""
    given = dict(enumerate(sys.argv[1:]))
    columns, _, rows = given.get(2, "132x40").partition("x")
    asyncio.run(
        picture(
            given.get(0, "scenarios/neuron.py"),
            int(given.get(1, "4")),
            (int(columns), int(rows)),
            Path(given.get(3, "docs/screen.svg")),
        )
    )


if __name__ == "__main__":
    main()
