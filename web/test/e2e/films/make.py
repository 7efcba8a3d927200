"""
Make the films of this folder anew: ``pip install av numpy``, then ``python make.py``.

Each is three seconds of 64×48 pixels at 4 frames a second: red, green, blue, one second each. ``old.mp4`` is MPEG-4 part 2,
which browsers do not play.
"""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

FILMS = {"h264.mp4": "libx264", "vp9.webm": "libvpx-vp9", "vp8.webm": "libvpx", "old.mp4": "mpeg4"}
COLORS = [(220, 20, 20), (20, 200, 20), (20, 20, 220)]

for name, codec in FILMS.items():
    with av.open(str(Path(__file__).parent / name), "w") as film:
        stream = film.add_stream(codec, rate=4)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(12):
            picture = np.full((48, 64, 3), COLORS[number // 4], np.uint8)
            film.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        film.mux(stream.encode(None))
