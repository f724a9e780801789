"""The page in real headless Chromium, driven over its debugging pipe: no driver package, no network."""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import pathlib
import shutil
import struct
import subprocess
import time
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import mien
from mien.geometry import look
from mien.report import write_page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(os.name == "nt", reason="the debugging pipe is opened through a shell"),
]

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--force-device-scale-factor=1",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)


class Browser:
    """Headless Chromium with one tab; its debugging protocol is JSON ended by a zero byte, on descriptors 3 and 4."""

    def __init__(self, program: str, profile: pathlib.Path) -> None:
        to_read, self._to = os.pipe()
        self._from, to_write = os.pipe()
        # The shell moves the ends of the pipes to where Chromium looks for them.
        command = f'exec "$@" 3<&{to_read} 4>&{to_write}'
        self.process = subprocess.Popen(
            ["bash", "-c", command, "sh", program, *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(to_read, to_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        self._buffer = b""
        self._last = 0
        self._session: str | None = None
        self.complaints: list[str] = []
        self.requests: list[str] = []
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(t for t in targets if t["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> Any:
        self._last += 1
        message = {"id": self._last, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._last:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            part = os.read(self._from, 1 << 20)
            assert part, "Chromium went away"
            self._buffer += part
        line, self._buffer = self._buffer.split(b"\0", 1)
        message: dict[str, Any] = json.loads(line)
        method, params = message.get("method", ""), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.complaints.append(str(params["exceptionDetails"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("warning", "error"):
            if "GPU stall due to ReadPixels" not in params["entry"]["text"]:  # by the screenshots themselves
                self.complaints.append(params["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("warning", "error"):
            self.complaints.append(str(params["args"]))
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        return message

    def evaluate(self, expression: str) -> Any:
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, condition: str, seconds: float = 10) -> None:
        end = time.monotonic() + seconds
        while not self.evaluate(f"Boolean({condition})"):
            assert time.monotonic() < end, f"waited {seconds} s for {condition}; {self.complaints}"
            time.sleep(0.02)

    def settle(self) -> None:
        """Wait until what was asked for is drawn."""
        self.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def resize(self, width: int, height: int, *, phone: bool = False, dark: bool = False) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=phone,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def open(self, path: pathlib.Path, fragment: str = "") -> None:
        self.complaints.clear()
        self.requests.clear()
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=path.resolve().as_uri() + fragment)
        self.wait("document.readyState == 'complete' && document.documentElement.dataset.status != 'loading'")
        self.settle()
        self.settle()

    def state(self) -> dict[str, str]:
        state: dict[str, str] = self.evaluate("({...document.documentElement.dataset})")
        return state

    def press(self, key: str, *, shift: bool = False) -> None:
        code = {" ": 32, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowRight": 39, "Tab": 9}.get(key)
        params: dict[str, Any] = {"key": key, "modifiers": 8 if shift else 0}
        params["windowsVirtualKeyCode"] = code if code is not None else ord(key.upper())
        if len(key) == 1:
            params["text"] = key
        self.call("Input.dispatchKeyEvent", type="keyDown", **params)
        self.call("Input.dispatchKeyEvent", type="keyUp", **{k: v for k, v in params.items() if k != "text"})
        self.settle()

    def pixels(self, selector: str = "#canvas", scale: float = 0.5) -> np.ndarray:
        """What is to be seen of an element, (H, W, 3) uint8, smaller by `scale`; overlays are part of it."""
        box = self.evaluate(f"({{...document.querySelector('{selector}').getBoundingClientRect().toJSON()}})")
        clip = {key: box[key] for key in ("x", "y", "width", "height")}
        options = {"format": "png", "optimizeForSpeed": True, "clip": {**clip, "scale": scale}}
        png = self.call("Page.captureScreenshot", **options)["data"]
        return decoded_png(base64.b64decode(png))

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1, **more)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.mouse("mousePressed", *start)
        for part in (0.5, 1.0):
            x, y = (a + part * (b - a) for a, b in zip(start, end, strict=True))
            self.mouse("mouseMoved", x, y, buttons=1)
        self.mouse("mouseReleased", *end)
        self.settle()

    def centre(self, selector: str, across: float = 0.5) -> tuple[float, float]:
        box = self.evaluate(f"({{...document.querySelector('{selector}').getBoundingClientRect().toJSON()}})")
        return box["x"] + across * box["width"], box["y"] + box["height"] / 2

    def click(self, selector: str, across: float = 0.5) -> None:
        place = self.centre(selector, across)
        self.mouse("mousePressed", *place)
        self.mouse("mouseReleased", *place)
        self.settle()

    def close(self) -> None:
        try:
            self._session = None
            self.call("Browser.close")
        except (AssertionError, OSError):
            pass
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self._to)
        os.close(self._from)


def decoded_png(data: bytes) -> np.ndarray:
    """Pixels of an 8-bit PNG without interlacing, (H, W, 3) uint8."""
    width, height, depth, kind = struct.unpack(">IIBB", data[16:26])
    assert depth == 8
    channels = {2: 3, 6: 4}[kind]
    body, at = b"", 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        if data[at + 4 : at + 8] == b"IDAT":
            body += data[at + 8 : at + 8 + length]
        at += 12 + length
    rows = np.frombuffer(zlib.decompress(body), np.uint8).reshape(height, 1 + width * channels)
    out = np.zeros(
        (height + 1, width + 1, channels), dtype=np.int64
    )  # a black row above, a black column before
    for y in range(height):
        line = rows[y, 1:].reshape(width, channels).astype(np.int64)
        above = out[y, 1:]
        if rows[y, 0] in (0, 2):
            out[y + 1, 1:] = (line + (above if rows[y, 0] else 0)) % 256
        elif rows[y, 0] == 1:
            out[y + 1, 1:] = np.cumsum(line, axis=0) % 256
        else:
            for x in range(width):
                a, b, c = out[y + 1, x], out[y, x + 1], out[y, x]
                if rows[y, 0] == 3:
                    guess = (a + b) // 2
                else:
                    pa, pb, pc = abs(b - c), abs(a - c), abs(a + b - 2 * c)
                    guess = np.where((pa <= pb) & (pa <= pc), a, np.where(pb <= pc, b, c))
                out[y + 1, x + 1] = (line[x] + guess) % 256
    return out[1:, 1:, :3].astype(np.uint8)


def nodding_ball(n_frames: int = 40) -> tuple[mien.Performance, mien.MeshSequence]:
    """Make a ball that nods and bulges, and an edit that dents its front in frames 12 to 19."""
    u, v = np.meshgrid(np.linspace(0, np.pi, 17), np.linspace(0, 2 * np.pi, 32, endpoint=False))
    neutral = 6 * np.stack([np.sin(u) * np.sin(v), np.cos(u), np.sin(u) * np.cos(v)], -1).reshape(-1, 3)
    at = np.arange(len(neutral)).reshape(u.shape)
    following = np.roll(at, -1, axis=0)
    quads = np.stack([at[:, :-1], at[:, 1:], following[:, 1:], following[:, :-1]], -1).reshape(-1, 4)
    phase = np.linspace(0, 4, n_frames)
    expression = neutral * (1 + 0.1 * np.sin(phase)[:, None, None] * (neutral[:, 1:2] > 0))
    vectors = np.stack([0.3 * np.sin(phase), 0.2 * np.cos(phase), 0 * phase], 1)
    head = mien.RigidMotion.from_quaternions(
        np.concatenate([vectors / 2, np.ones((n_frames, 1))], 1), np.stack([0 * phase, phase, -phase], 1)
    )
    take = mien.MeshSequence(
        mien.Topology.from_polygons(quads),
        head.apply(expression).astype(np.float32),
        fps=50,
        start_frame=1001,
        metres_per_unit=0.01,
        up_axis="y",
        name="</script>ball",
    )
    perf = mien.Performance(take, head, neutral, 0.01 + 0 * phase, 1 - 0.1 * phase / 4, method="known")
    dent = np.exp(-(np.linalg.norm(neutral - [0, 0, 6], axis=1) ** 2) / 6) * (neutral[:, 2] > 2)
    positions = take.positions.copy()
    moved = np.flatnonzero(dent)
    for f in range(12, min(20, n_frames)):
        positions[f, moved] -= (2.5 * dent[moved, None] * head.rotation[f][:, 2]).astype(np.float32)
    return perf, take.with_positions(positions)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        pytest.skip("no Chromium on the path (apt-get install chromium)")
    running = Browser(program, tmp_path_factory.mktemp("profile"))
    yield running
    running.close()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    perf, result = nodding_ball()
    return write_page(tmp_path_factory.mktemp("page") / "page.html", perf, result).path


@pytest.fixture
def tab(browser: Browser, page: pathlib.Path) -> Iterator[Browser]:
    """The page at its first frame on a desktop; nothing may have been complained about or asked for at the end."""
    browser.resize(800, 900)
    browser.open(page, "#frame=1001&view=take")
    yield browser
    assert browser.complaints == []
    assert all(url.startswith(("file://", "about:")) for url in browser.requests), browser.requests


def heated(pixels: np.ndarray) -> np.ndarray:
    """Tell which pixels have the colours of the heat map: red far over blue, or purple."""
    r, g, b = (pixels[..., i].astype(int) for i in range(3))
    return ((r - b > 70) & (r > 90)) | ((r - g > 60) & (b - g > 30))


def warm(pixels: np.ndarray) -> float:
    """Share of pixels with the colours of the heat map."""
    return float(heated(pixels).mean())


def test_the_page_is_drawn_by_webgl2(tab: Browser) -> None:
    state = tab.state()
    assert state["status"] == "ready"
    assert state["webgl2"] == "true"
    assert state["frame"] == "1001"
    assert tab.evaluate("document.querySelector('h1').textContent") == "</script>ball"
    pixels = tab.pixels().astype(int)
    background = pixels[8, pixels.shape[1] // 2]
    np.testing.assert_array_equal(background, look.BACKGROUND_SRGB)
    ball = np.abs(pixels - background).sum(-1) > 20
    assert 0.2 < ball.mean() < 0.8
    rows = np.flatnonzero(ball[:, ball.shape[1] // 2])
    assert np.ptp(rows) == len(rows) - 1, "the ball has a hole"


def test_the_light_is_that_of_the_other_pictures(tab: Browser, page: pathlib.Path) -> None:
    perf, _ = nodding_ball()
    tab.open(page, "#frame=1001&view=expression")
    here = inner(tab.pixels(scale=1)).astype(int)
    there = mien.draw(perf.take.topology, perf.expression[0], size=(600, 600)).astype(int)
    colors = []
    for picture in (here, there):
        marked = np.abs(picture - look.BACKGROUND_SRGB).sum(-1) > 20
        (x, y), radius = middle_and_radius(marked)
        places = [(0, 0), (0.5, 0), (-0.5, 0), (0, 0.5), (0, -0.5), (-0.4, 0.4)]
        colors.append([picture[round(-y - v * radius), round(x + u * radius)] for u, v in places])
    np.testing.assert_allclose(colors[0], colors[1], atol=5)
    assert np.ptp(np.array(colors[1]), axis=0).min() > 40, "there is light and shade"


def middle_and_radius(mask: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the middle of what is marked, pixels to the right and up, and half its width."""
    y, x = np.nonzero(mask)
    return np.array([x.mean(), -y.mean()]), np.ptp(x) / 2


def test_pictures_follow_the_head(tab: Browser, page: pathlib.Path) -> None:
    perf, _ = nodding_ball()
    shown = {}
    for frame, view in ((1001, "take"), (1016, "take"), (1016, "recombined")):
        tab.open(page, f"#frame={frame}&view={view}")
        shown[frame, view] = inner(tab.pixels()).astype(int)
    background = shown[1001, "take"][0, 0]
    start, _ = middle_and_radius(np.abs(shown[1001, "take"] - background).sum(-1) > 20)
    middle, radius = middle_and_radius(np.abs(shown[1016, "take"] - background).sum(-1) > 20)
    moved = perf.head.translation[15] - perf.head.translation[0]
    np.testing.assert_allclose((middle - start) / radius, moved[:2] / 6, atol=0.07)
    # The dent sits where the head's rotation takes the front of the ball.
    dent, _ = middle_and_radius(np.abs(shown[1016, "recombined"] - shown[1016, "take"]).sum(-1) > 12)
    front = perf.head.rotation[15] @ [0, 0, 1]
    assert front[1] < -0.25
    np.testing.assert_allclose((dent - middle) / radius, front[:2], atol=0.12)


def test_the_slider_and_the_curves_seek(tab: Browser) -> None:
    tab.resize(800, 1200)  # all of it is on the screen
    first = tab.pixels()
    tab.click("#slider", 0.5)
    assert 1018 <= int(tab.state()["frame"]) <= 1023
    assert (tab.pixels() != first).mean() > 0.01
    assert tab.evaluate("document.querySelector('#frame').value") == tab.state()["frame"]
    width = tab.evaluate("document.querySelector('.residual .plot').clientWidth")
    tab.click(".residual .plot", 8 / width)
    assert tab.state()["frame"] == "1001"
    values = tab.evaluate("[...document.querySelectorAll('.value')].map(o => o.value)")
    assert values[2:] == ["0.100 mm", "1.00", "0.00 mm", "0.0 mm"]


def test_keys_move_through_frames_and_views(tab: Browser) -> None:
    seen = []
    for key, shift in (("ArrowRight", False), ("ArrowRight", True), ("ArrowLeft", False), ("End", False)):
        tab.press(key, shift=shift)
        seen.append(int(tab.state()["frame"]))
    assert seen == [1002, 1012, 1011, 1040]
    tab.press("ArrowRight")
    assert tab.state()["frame"] == "1040"
    tab.press("Home")
    assert tab.state()["frame"] == "1001"
    views = ("take", "expression", "edited", "recombined", "heat", "residual", "mobility")
    for key, view in zip("1234567", views, strict=True):
        tab.press(key)
        assert tab.state()["view"] == view
    tab.press("l")
    assert tab.state()["layout"] == "side"


def test_space_plays_at_the_rate_of_the_take_and_pauses(tab: Browser) -> None:
    tab.press(" ")
    assert tab.evaluate("document.querySelector('#play').getAttribute('aria-label')") == "Pause"
    # Ten seconds of frames at most; the slope of frame over time is the rate, however many frames were left out.
    seen = np.array(
        tab.evaluate(
            """new Promise(done => {
              const seen = [];
              const look = (now) => {
                const frame = +document.documentElement.dataset.frame;
                if (seen.length && frame < seen[seen.length - 1][1] || seen.length > 600) return done(seen);
                seen.push([now / 1000, frame]);
                requestAnimationFrame(look);
              };
              requestAnimationFrame(look);
            })"""
        )
    )
    seen = seen[seen[:, 1] > 1003]
    assert len(np.unique(seen[:, 1])) >= 4
    assert np.polyfit(*seen.T, 1)[0] == pytest.approx(50, rel=0.2)
    tab.press(" ")
    stopped = tab.state()["frame"]
    tab.settle()
    tab.settle()
    assert tab.state()["frame"] == stopped
    # The button does the same, and does not keep the keyboard after a click.
    tab.click("#play")
    tab.press(" ")
    assert tab.evaluate("document.querySelector('#play').getAttribute('aria-label')") == "Play"


def test_the_heat_map_shows_where_the_edit_is(tab: Browser, page: pathlib.Path) -> None:
    shares: dict[Any, Any] = {}
    for frame, view in ((1016, "edited"), (1016, "heat"), (1001, "heat")):
        tab.open(page, f"#frame={frame}&view={view}")
        shares[frame, view] = warm(tab.pixels()[: 2 * 100])  # above the legend
    assert shares[1016, "heat"] > 0.02
    assert shares[1016, "edited"] == shares[1001, "heat"] == 0
    # Frame 1021 has no edit, but the upper half bulges: only one of the two maps may show that.
    for fragment in ("view=edited", "view=heat&heat=edit", "view=heat&heat=expression"):
        tab.open(page, "#frame=1021&" + fragment)
        shares[fragment] = inner(tab.pixels())[:150]
    np.testing.assert_array_equal(shares["view=edited"], shares["view=heat&heat=edit"])
    assert warm(shares["view=heat&heat=expression"]) > 0.05
    tab.open(page, "#frame=1016&view=heat")
    ticks = tab.evaluate("[...document.querySelectorAll('#ticks span')].map(s => s.textContent)")
    assert ticks == ["0", "12.5", "25"]
    assert "mm" in tab.evaluate("document.querySelector('#legend-title').textContent")


def inner(pixels: np.ndarray) -> np.ndarray:
    """Return what lies clear of the words, buttons, handles and focus rings at the edges."""
    return pixels[48:-48, 24:-24]


def halves(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Left and right pictures, without the words above and the buttons below them."""
    middle = pixels.shape[1] // 2
    rows = slice(48, pixels.shape[0] - 48)
    return pixels[rows, 2 : middle - 2], pixels[rows, middle + 2 : 2 * middle - 2]


def test_before_and_after_differ_only_where_the_edit_is(tab: Browser, page: pathlib.Path) -> None:
    for frame, differs in ((1005, False), (1016, True)):
        tab.open(page, f"#frame={frame}&view=recombined&layout=side")
        before, after = halves(tab.pixels(scale=1))
        assert before.shape == after.shape
        assert ((before != after).mean() > 0.02) == differs
        if not differs:
            np.testing.assert_array_equal(before, after)


def test_the_wipe_uncovers_the_edit(tab: Browser, page: pathlib.Path) -> None:
    tab.open(page, "#frame=1016&view=recombined&layout=wipe&wipe=1")
    before = tab.pixels()
    x, y = tab.centre("#wipe")
    tab.drag((x - 9, y), tab.centre("#canvas", 0.0))
    assert tab.evaluate("document.querySelector('#wipe').getAttribute('aria-valuenow')") == "0"
    after = tab.pixels()
    tab.open(page, "#frame=1016&view=take")
    take = tab.pixels()
    np.testing.assert_array_equal(inner(before), inner(take))
    assert (inner(after) != inner(take)).mean() > 0.02
    # By keyboard: the handle has the arrows while it has the focus.
    tab.open(page, "#frame=1016&view=recombined&layout=wipe&wipe=0.5")
    tab.evaluate("document.querySelector('#wipe').focus()")
    tab.press("ArrowRight")
    assert tab.evaluate("document.querySelector('#wipe').getAttribute('aria-valuenow')") == "52"
    assert tab.state()["frame"] == "1016"


def test_the_camera_orbits_zooms_and_comes_back(tab: Browser) -> None:
    x, y = tab.centre("#canvas")
    front = tab.pixels()
    tab.drag((x, y), (x + 90, y + 40))
    turned = tab.pixels()
    assert (turned != front).mean() > 0.05
    tab.press("r")
    np.testing.assert_array_equal(inner(tab.pixels()), inner(front))
    tab.call("Input.dispatchMouseEvent", type="mouseWheel", x=x, y=y, deltaX=0, deltaY=-300)
    tab.settle()
    grown = (np.abs(tab.pixels().astype(int) - front[8, 200]).sum(-1) > 20).mean()
    assert grown > 1.2 * (np.abs(front.astype(int) - front[8, 200]).sum(-1) > 20).mean()
    tab.wait("location.hash.includes('zoom=')", 5)


def test_two_fingers_zoom(browser: Browser, page: pathlib.Path) -> None:
    browser.resize(390, 844, phone=True)
    browser.open(page, "#view=take")
    x, y = browser.centre("#canvas")
    for kind, gap in (("touchStart", 30), ("touchMove", 60), ("touchMove", 90)):
        points = [{"x": x - gap, "y": y, "id": 0}, {"x": x + gap, "y": y, "id": 1}]
        browser.call("Input.dispatchTouchEvent", type=kind, touchPoints=points)
    browser.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    browser.wait("location.hash.includes('zoom=')", 5)
    assert browser.evaluate("parseFloat(new URLSearchParams(location.hash.slice(1)).get('zoom'))") > 1.5
    assert browser.evaluate("document.documentElement.scrollWidth") <= 390
    assert browser.complaints == []


def test_wireframe_draws_the_polygons_edges(tab: Browser) -> None:
    plain = tab.pixels()
    tab.press("w")
    lined = tab.pixels()
    darker = (plain.astype(int) - lined).mean(-1) > 8
    assert 0.02 < darker.mean() < 0.6


def test_the_address_keeps_the_state(tab: Browser, page: pathlib.Path) -> None:
    tab.press("End")
    tab.press("3")
    tab.press("w")
    tab.wait("location.hash.includes('view=edited')", 5)
    fragment = tab.evaluate("location.hash")
    shown = tab.pixels()
    tab.open(page, fragment)
    np.testing.assert_array_equal(inner(tab.pixels()), inner(shown))
    tab.open(page, "#frame=%3Cx&view=__proto__&zoom=NaN&layout=constructor&wipe=1e999")
    assert tab.state()["status"] == "ready"
    assert tab.state()["view"] == "recombined"


def test_without_a_result_there_are_fewer_views(browser: Browser, tmp_path: pathlib.Path) -> None:
    perf, _ = nodding_ball(12)
    browser.resize(800, 900)
    browser.open(write_page(tmp_path / "page.html", perf, max_frames=6).path, "#view=edited")
    assert browser.state()["view"] == "expression"
    assert browser.state()["layout"] == "side"
    titles = browser.evaluate("[...document.querySelectorAll('#views button')].map(b => b.textContent)")
    assert titles == ["Take", "Head removed", "Displacement"]
    browser.press("ArrowRight")
    assert browser.state()["frame"] == "1003"
    assert "one in 2 shown" in browser.evaluate("document.querySelector('#summary').textContent")
    assert browser.complaints == []


def test_points_without_faces_are_drawn(browser: Browser, tmp_path: pathlib.Path) -> None:
    perf, _ = nodding_ball(3)
    cloud = mien.MeshSequence(mien.Topology([], [], perf.take.n_vertices), perf.take.positions)
    points = mien.Performance(cloud, perf.head, perf.neutral, perf.residual, perf.confidence)
    browser.resize(800, 900)
    browser.open(write_page(tmp_path / "page.html", points).path)
    assert browser.state()["status"] == "ready"
    pixels = browser.pixels(scale=1).astype(int)
    assert (np.abs(pixels - pixels[60, 300]).sum(-1) > 40)[60:-60].mean() > 0.002
    assert browser.complaints == []


def test_a_browser_without_webgl2_says_so(browser: Browser, page: pathlib.Path) -> None:
    source = "HTMLCanvasElement.prototype.getContext = () => null"
    script = browser.call("Page.addScriptToEvaluateOnNewDocument", source=source)
    try:
        browser.open(page, "#frame=1010")
        assert browser.state()["status"] == "no-webgl2"
        assert "no WebGL2" in browser.evaluate("document.querySelector('#message').textContent")
        assert browser.evaluate("document.querySelector('.rotation .line').getAttribute('d').length") > 100
        browser.press("ArrowRight")
        assert browser.state()["frame"] == "1011"
    finally:
        browser.call("Page.removeScriptToEvaluateOnNewDocument", identifier=script["identifier"])


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A page with a second method whose head is 6 mm off in frame 1021 only, and a face that is at rest in 1001."""
    perf, _ = nodding_ball()
    translation = perf.head.translation.copy()
    translation[20] += perf.head.rotation[20] @ [0.6, 0, 0]
    other = dataclasses.replace(
        perf, head=mien.RigidMotion(perf.head.rotation, translation), method="<b>other</b>"
    )
    residual = np.zeros(len(perf))
    residual[[7, 8, 30]] = 0.02, 0.01, 0.015
    perf = dataclasses.replace(perf, residual=residual)
    return write_page(tmp_path_factory.mktemp("checked") / "page.html", perf, compare=other).path


def test_without_an_edit_the_removed_head_is_seen_beside_the_take(
    browser: Browser, checked: pathlib.Path
) -> None:
    browser.resize(800, 900)
    browser.open(checked, "#frame=1001")
    assert browser.state()["view"] == "expression"
    before, removed = halves(browser.pixels(scale=1))
    for frame in (1010, 1030):  # what turns and sinks on the left keeps its outline below on the right
        browser.open(checked, f"#frame={frame}")
        there, still = halves(browser.pixels(scale=1))
        lower = np.s_[len(still) * 2 // 3 :]
        outline = [
            np.abs(p[lower].astype(int) - p[4, 4]).sum(-1) > 20 for p in (removed, still, before, there)
        ]
        assert (outline[0] != outline[1]).mean() < 0.002
        assert (outline[2] != outline[3]).mean() > 0.01


def test_residual_mobility_and_difference_colour_what_they_say(
    browser: Browser, checked: pathlib.Path
) -> None:
    browser.resize(800, 900)
    shares = {}
    for frame in (1001, 1021, 1022):
        browser.open(checked, f"#frame={frame}&view=expression&layout=single")
        clay = inner(browser.pixels()).astype(int)
        middle = np.s_[:, clay.shape[1] // 2 - 50 : clay.shape[1] // 2 + 50]  # clear of legend and tools
        for view in ("residual", "mobility", "difference"):
            browser.open(checked, f"#frame={frame}&view={view}&layout=single")
            pixels = inner(browser.pixels())[middle]
            coloured = np.abs(pixels - clay[middle]).max(-1) > 24 if view != "mobility" else heated(pixels)
            quarters = np.array_split(coloured, 4)
            shares[view, frame] = quarters[0].mean(), quarters[3].mean()
    upper, lower = 0, 1
    assert shares["residual", 1001][upper] == 0
    assert shares["residual", 1021][upper] > 0.2
    for frame in (1001, 1021):  # the upper half bulges; the lower is at rest in all frames
        assert shares["mobility", frame][upper] > 0.2
        assert shares["mobility", frame] == shares["mobility", 1001]
        assert max(shares["residual", frame][lower], shares["mobility", frame][lower]) < 0.01
    assert min(shares["difference", 1021]) > 0.5
    assert max(shares["difference", 1022]) < 0.01
    assert browser.complaints == []


def test_the_other_method_is_drawn_where_its_head_puts_it(browser: Browser, checked: pathlib.Path) -> None:
    browser.resize(800, 900)
    middles = []
    for frame, view in ((1021, "expression"), (1021, "other"), (1022, "expression"), (1022, "other")):
        browser.open(checked, f"#frame={frame}&view={view}&layout=single")
        pixels = inner(browser.pixels(scale=1)).astype(int)
        middles.append(middle_and_radius(np.abs(pixels - pixels[4, 4]).sum(-1) > 40))
    radius = middles[0][1]
    way = (middles[1][0] - middles[0][0]) / radius * 60  # mm, for the ball's radius is 60
    assert way[0] == pytest.approx(
        -6, abs=1.5
    )  # the head 6 mm to the left puts the face 6 mm to the right of it
    np.testing.assert_allclose(middles[2][0], middles[3][0], atol=0.6)


def test_captions_say_how_to_read_a_view_and_name_the_worst_frames(
    browser: Browser, checked: pathlib.Path
) -> None:
    browser.resize(800, 900)
    seen = {}
    for view in ("take", "expression", "heat", "residual", "mobility", "other", "difference"):
        browser.open(checked, f"#view={view}")
        seen[view] = browser.evaluate("document.querySelector('#caption').textContent")
    assert len(set(seen.values())) == len(seen)
    for view in ("heat", "residual", "mobility", "difference"):
        assert " mm" in seen[view], view
    assert "<b>other</b>" in seen["difference"]
    legend = "document.querySelector('#legend-title').textContent"
    for beside, right in (("mobility", True), ("take", False)):
        browser.open(checked, f"#view=residual&with={beside}&layout=wipe")
        assert ("right picture" in browser.evaluate(legend)) == right
    browser.open(checked, "#view=difference")
    assert browser.evaluate("document.querySelectorAll('b').length") == 0
    buttons = "[...document.querySelectorAll('#worst button')].map(b => b.textContent)"
    assert browser.evaluate(buttons) == ["1021"]
    browser.open(checked, "#view=residual&frame=1001")
    assert browser.evaluate(buttons)[:2] == ["1008", "1031"]
    browser.click("#worst button:nth-of-type(2)")
    assert browser.state()["frame"] == "1031"
    assert browser.evaluate("document.querySelectorAll('.translation .band').length") == 3
    assert "mm" in browser.evaluate("document.querySelector('.confidence .detail').textContent")
    assert browser.complaints == []


CONTRAST = """
(() => {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 1;
  const pen = canvas.getContext('2d', {willReadFrequently: true});
  const rgb = (...layers) => {
    pen.clearRect(0, 0, 1, 1);
    for (const layer of layers) { pen.fillStyle = layer; pen.fillRect(0, 0, 1, 1); }
    return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const words = 'h1, h2, h3, p, th, td, dt, dd, button, output, span, kbd, select, .tick';
  const worst = {};
  for (const element of document.querySelectorAll(words)) {
    if (!element.textContent.trim() || !element.getClientRects().length) continue;
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.unshift(getComputedStyle(at).backgroundColor);
    const style = getComputedStyle(element);
    const ink = element.matches('.tick') ? style.fill : style.color;
    const [a, b] = [light(rgb(...layers)), light(rgb(...layers, ink))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) worst[element.tagName + '.' + element.className + ' ' + element.textContent.slice(0, 20)] = ratio;
  }
  return worst;
})()
"""


@pytest.mark.parametrize("dark", [False, True])
def test_words_have_contrast_in_light_and_dark(
    browser: Browser, page: pathlib.Path, checked: pathlib.Path, dark: bool
) -> None:
    browser.resize(1280, 900, dark=dark)
    browser.open(checked, "#view=difference")
    assert browser.evaluate(CONTRAST) == {}
    browser.open(page, "#view=heat&frame=1016")
    assert browser.evaluate(CONTRAST) == {}
    stage = browser.pixels()[8, 300].astype(int)
    assert (stage.mean() < 80) == dark


def test_every_control_has_a_name(tab: Browser, page: pathlib.Path) -> None:
    tab.open(page, "#view=heat&layout=wipe")
    tab.call("Accessibility.enable")
    nodes = tab.call("Accessibility.getFullAXTree")["nodes"]
    controls = [
        n for n in nodes if n.get("role", {}).get("value") in ("button", "slider", "combobox", "image")
    ]
    assert len(controls) > 18
    for node in controls:
        assert node["name"]["value"].strip(), node
    tab.call("Accessibility.disable")


def test_focus_can_be_seen(tab: Browser) -> None:
    names = []
    for _ in range(30):
        tab.press("Tab")
        names.append(tab.evaluate("document.activeElement.id || document.activeElement.textContent"))
        if names[-1] == "slider":
            break
        assert tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none", names[-1]
    assert names[:2] == ["Take", "Head removed"]
    assert names[-1] == "slider"
