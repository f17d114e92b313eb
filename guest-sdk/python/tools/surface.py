"""What a policy imports and exports, and the files that its component is made of.

    python3 surface.py PROJECT OUT

Writes into OUT: `app/`, the modules that the component has; `surface.json` with the interfaces that they import and the
phases that the policy defines; and `sources.json`, by which the build knows that nothing changed.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import json
import pathlib
import shutil
import sys
import traceback

SDK = pathlib.Path(__file__).resolve().parent.parent
INTERFACES = {"log": "log", "metrics": "metrics", "clock": "clock", "random": "random", "kv": "kv-local", "counters": "counters"}
PHASES = {"on_request_body": "on-request-body", "on_response": "on-response", "on_complete": "on-complete"}
DATES = ("datetime", "datetime.datetime", "date", "datetime.date")
ENTRY = '''"""Made by `cardea policy build`."""
import {module}
from cardea._component import exports

{report}
globals().update(exports({module}.{name}, report))
'''


def fail(message: str) -> None:
    sys.stderr.write(message.rstrip() + "\n")
    sys.exit(1)


def loaded(project: pathlib.Path) -> object:
    """The policy's module, imported here with doubles in place of the host."""
    sys.dont_write_bytecode = True
    sys.path[:0] = [str(project), str(project / "vendor"), str(SDK)]
    try:
        return importlib.import_module("policy")
    except BaseException as error:
        # Only the author's own frames: what stands before and after them is this script and Python's importing.
        own = (f"{project}/", f"{SDK}/")
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(own)]
        script = pathlib.Path(__file__).resolve()
        frames = [frame for frame in frames if pathlib.Path(frame.filename).resolve() != script]
        told = "".join(traceback.format_list(frames)) + "".join(traceback.format_exception_only(error))
        if isinstance(error, ModuleNotFoundError) and error.name:
            package = error.name.partition(".")[0]
            told += f"a policy has the packages of pure Python that lie in vendor/: python3 -m pip install --target vendor {package}\n"
        fail(told.replace(f"{project}/", ""))


def policy_of(module: object) -> type:
    from cardea import Policy

    own = [each for each in vars(module).values() if isinstance(each, type) and issubclass(each, Policy) and each is not Policy]
    own = [each for each in own if each.__module__ == module.__name__ and not each.__name__.startswith("_")]
    if len(own) == 1:
        return own[0]
    found = "defines none" if not own else f"defines {' and '.join(each.__name__ for each in own)}"
    fail(f"policy.py: one class must be the policy, a subclass of cardea.Policy, and the module {found}")


def sources(project: pathlib.Path) -> dict[str, pathlib.Path]:
    """The files of the modules that were imported, by their place in the component. No double and no test is among them."""
    found = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if not file or name == "__main__" or name.startswith(("cardea._double", "cardea.testing")):
            continue
        path = pathlib.Path(file).resolve()
        for root in (SDK, project / "vendor", project):
            if path.is_relative_to(root) and path.suffix == ".py":
                found[str(path.relative_to(root))] = path
                break
    found["cardea/_component.py"] = SDK / "cardea/_component.py"
    return found


def check(files: dict[str, pathlib.Path], project: pathlib.Path) -> None:
    """Refuses what is known to end a policy without a word: `datetime` asks the system for the time."""
    for path in files.values():
        if path.is_relative_to(SDK) or path.is_relative_to(project / "vendor"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
            if isinstance(node, ast.Attribute) and node.attr in ("now", "utcnow", "today") and ast.unparse(node.value) in DATES:
                told = f"{ast.unparse(node)} does not work in a policy: use cardea.clock"
                fail(f"{path.relative_to(project)}:{node.lineno}: {told}")


def imports(files: dict[str, pathlib.Path], project: pathlib.Path) -> set[str]:
    """The interfaces behind the SDK's modules that the author's own modules import; the SDK's own do not count."""
    found = {"exchange"}
    for path in files.values():
        if not path.is_relative_to(SDK):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path.relative_to(project)))):
                found |= {INTERFACES[name] for name in named(node) if name in INTERFACES}
    return found


def named(node: ast.AST) -> list[str]:
    """The SDK's modules that an import statement names; `log` for a `print`."""
    if isinstance(node, ast.Import):
        return [alias.name.split(".")[1] for alias in node.names if alias.name.startswith("cardea.")]
    if isinstance(node, ast.ImportFrom) and node.module == "cardea":
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cardea."):
        return [node.module.split(".")[1]]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
        return ["log"]
    return []


def write(out: pathlib.Path, files: dict[str, pathlib.Path], entry: str) -> None:
    app = out / "app"
    shutil.rmtree(app, ignore_errors=True)
    digests = {}
    for place, path in sorted(files.items()):
        (app / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, app / place)
        digests[place] = hashlib.sha256(path.read_bytes()).hexdigest()
    (app / "cardea_entry.py").write_text(entry, encoding="utf-8")
    (out / "sources.json").write_text(json.dumps({"files": digests, "entry": entry}), encoding="utf-8")


def main() -> None:
    project, out = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
    if sys.version_info < (3, 10):
        fail(f"policies need Python 3.10 or later to build, and this is {sys.version.split()[0]}")
    module = loaded(project)
    policy = policy_of(module)
    from cardea.policy import phases

    defined = phases(policy)
    if "on_request" not in defined:
        fail(f"policy.py: {policy.__name__} does not define on_request")
    files = sources(project)
    check(files, project)
    needed = imports(files, project)
    if "log" in needed:
        files["cardea/log.py"] = SDK / "cardea/log.py"
    report = "from cardea.log import write as report" if "log" in needed else "report = None"
    write(out, files, ENTRY.format(module=module.__name__, name=policy.__name__, report=report))
    surface = {
        "imports": sorted(needed),
        "exports": ["lifecycle", "on-request", *(PHASES[name] for name in defined if name in PHASES)],
    }
    (out / "surface.json").write_text(json.dumps(surface), encoding="utf-8")


if __name__ == "__main__":
    main()
