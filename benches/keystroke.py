#!/usr/bin/env python3
"""How long a keystroke takes from an editor to its diagnostics, in the example app's largest file.

python3 benches/keystroke.py target/release/wa-fix [COUNT]

Each keystroke is a line break at the top of the file, or its removal: every finding moves, so diagnostics come for each.
"""
import json
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

APP = pathlib.Path(__file__).parent.parent / "examples/tap"


class Editor:
    def __init__(self, program, folder):
        self.server = subprocess.Popen(
            [program, "lsp"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def tell(self, method, params, **more):
        body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **more}).encode()
        self.server.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.server.stdin.flush()

    def hear(self):
        length = 0
        while line := self.server.stdout.readline().strip():
            name, value = line.split(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return json.loads(self.server.stdout.read(length))

    def diagnostics(self, uri):
        while True:
            said = self.hear()
            if said.get("method") == "textDocument/publishDiagnostics" and said["params"]["uri"] == uri:
                return said["params"]["diagnostics"]


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder).resolve() / "tap"
        shutil.copytree(APP, root, ignore=shutil.ignore_patterns("node_modules", "cdk.out"))
        file = max(root.glob("lib/**/*.ts"), key=lambda file: file.stat().st_size)
        uri = file.as_uri()
        editor = Editor(program, root)
        editor.tell("initialize", {"rootUri": root.as_uri(), "capabilities": {}}, id=1)
        editor.tell("initialized", {})
        text = file.read_text()
        document = {"uri": uri, "languageId": "typescript", "version": 1, "text": text}
        editor.tell("textDocument/didOpen", {"textDocument": document})
        found = len(editor.diagnostics(uri))
        times = []
        top = {"line": 0, "character": 0}
        for number in range(count):
            end = top if number % 2 == 0 else {"line": 1, "character": 0}
            change = {"range": {"start": top, "end": end}, "text": "\n" if number % 2 == 0 else ""}
            start = time.perf_counter()
            document = {"uri": uri, "version": number + 2}
            editor.tell("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})
            editor.diagnostics(uri)
            times.append((time.perf_counter() - start) * 1000)
        editor.server.stdin.close()
        editor.server.wait()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    times.sort()
    name, lines = file.relative_to(root), text.count("\n")
    print(f"{name}: {lines} lines, {found} findings, {count} keystrokes")
    print(
        f"keystroke to diagnostics: median {statistics.median(times):.1f} ms, "
        f"95 % within {times[int(count * 0.95)]:.1f} ms, slowest {times[-1]:.1f} ms; "
        f"{(used.ru_utime + used.ru_stime) * 1000 / count:.1f} ms of processor time each"
    )


main()
