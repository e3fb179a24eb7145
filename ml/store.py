"""Fitted models on disk: a version is written once, and read only when nothing in it is foreign.

`<folder>/<name>/<version>/model.skops` and `metadata.json`, and `<folder>/<name>/champion`, which holds the
version in use. skops names every type in a file before it makes one, where a pickle runs whatever it says; it is loaded
by whoever has a model to write or read, for it takes scikit-learn along.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from ml.code_version import code_version, library_versions
from ml.errors import ModelFileError

TRUSTED_TYPES = (
    "ml.bg_nbd.BgNbd",
    "ml.churn.ChurnModel",
    "ml.churn_candidates.Boosting",
    "ml.churn_candidates.Logistic",
    "ml.churn_candidates.Purchases",
    "ml.churn_candidates.Recency",
    "ml.discover.Discoverer",
    "ml.gamma_gamma.GammaGamma",
    "ml.lifetime.LifetimeModel",
    "ml.popularity.Popularity",
    "ml.recommend.Recommender",
    "scipy.sparse._csr.csr_array",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
)

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class ModelMetadata:
    """What a stored model was made of; day, data, `params`, `features` and the code that made it decide its version.

    `params` is the recipe: two models of equal params and features differ by their data alone. `metrics` has the
    figures on held-out time by model and metric, each with its interval and its baseline's (see `measured`).
    `trained_until` is the instant from which on nothing was learned, `held_out_from` the one from which on it was
    measured; both UTC, None where unknown.
    """

    name: str
    as_of: datetime
    data_fingerprint: str
    params: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    features: tuple[str, ...] = ()
    trained_until: datetime | None = None
    held_out_from: datetime | None = None
    code: str = field(default_factory=code_version)
    libraries: Mapping[str, str] = field(default_factory=library_versions)

    @property
    def version(self) -> str:
        """The date of `as_of` and ten hex digits: the same data, parameters and code give the same version."""
        made_by = [self.code, dict(self.libraries)]
        identity = [self.as_of.isoformat(), self.data_fingerprint, dict(self.params), list(self.features), made_by]
        digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
        return f"{self.as_of:%Y-%m-%d}-{digest[:10]}"


def save(model: object, metadata: ModelMetadata, folder: Path) -> str:
    """Write the model and return its version; a version that is there already is left as it is.

    Both files appear together or not at all. The bytes depend on the model and metadata alone.
    """
    target = path_of(folder, metadata.name, metadata.version)
    if target.is_dir():
        return metadata.version
    target.parent.mkdir(parents=True, exist_ok=True)
    from skops.io import dumps

    content = _canonical(dumps(model))
    described = {
        **{name: _plain(value) for name, value in asdict(metadata).items()},
        "version": metadata.version,
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=target.parent))
    try:
        (draft / "model.skops").write_bytes(content)
        (draft / "metadata.json").write_text(json.dumps(described, indent=2, sort_keys=True) + "\n")
        draft.chmod(0o755)
        draft.rename(target)
    except OSError:
        # Another run may have written the same version meanwhile; any other failure is the caller's.
        if not target.is_dir():
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return metadata.version


def measured(evaluations: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The rows of an evaluation as `metrics`: by model and metric, the value, its interval and its baseline's."""
    found: dict[str, Any] = {}
    for row in evaluations:
        if row["split"] == "test":
            figures = {name: row.get(name) for name in ("value", "value_low", "value_high", "baseline_value")}
            found.setdefault(row["model"], {})[row["metric"]] = figures
    return found


def load(folder: Path, name: str, version: str) -> Any:
    """The model as it was saved; a ModelFileError says which file is missing, damaged or foreign, and why."""
    path = path_of(folder, name, version) / "model.skops"
    content = _read(path)
    described = load_metadata(folder, name, version)
    if hashlib.sha256(content).hexdigest() != described.get("sha256"):
        raise ModelFileError(f"{path} is not the file that was saved: delete its folder and train {name} again.")
    if described.get("libraries") != library_versions():
        written, here = _listed(described.get("libraries")), _listed(library_versions())
        raise ModelFileError(f"{path} was written with {written}, and this is {here}: train {name} again.")
    from skops.io import loads
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        return loads(content, trusted=list(TRUSTED_TYPES))
    except UntrustedTypesFoundException as error:
        raise ModelFileError(
            f"{path} holds types that Sincerely does not load ({error}): delete its folder, and train {name} again."
        ) from error
    except Exception as error:  # skops raises whatever its parts raise on a file of another version.
        raise ModelFileError(f"{path} cannot be read ({error}): delete it and train {name} again.") from error


def load_metadata(folder: Path, name: str, version: str) -> dict[str, Any]:
    """What `save` wrote beside the model: the fields of ModelMetadata, `version` and `sha256`."""
    path = path_of(folder, name, version) / "metadata.json"
    try:
        described = json.loads(_read(path))
    except ValueError as error:
        raise ModelFileError(f"{path} is not JSON: delete its folder and train {name} again.") from error
    if not isinstance(described, dict):
        raise ModelFileError(f"{path} is no object: delete its folder and train {name} again.")
    if described.get("version") != version or described.get("name") != name:
        raise ModelFileError(f"{path} is of another model or version: delete its folder and train {name} again.")
    return described


def versions(folder: Path, name: str) -> list[str]:
    """The versions that are there, the oldest first; those that cannot be read too."""
    home = path_of(folder, name)
    found = home.iterdir() if home.is_dir() else []
    return sorted(path.name for path in found if _NAME.fullmatch(path.name) and path.is_dir())


def models(folder: Path) -> list[str]:
    """The names of the models of which a version is there."""
    found = sorted(path.name for path in folder.iterdir() if _NAME.fullmatch(path.name)) if folder.is_dir() else []
    return [name for name in found if versions(folder, name)]


def promote(folder: Path, name: str, version: str) -> None:
    """Make this version the one in use; the pointer moves in one step, and only to what exists."""
    load_metadata(folder, name, version)
    pointer = path_of(folder, name) / "champion"
    draft = pointer.with_name(f".champion-{os.getpid()}")
    draft.write_text(version + "\n")
    draft.replace(pointer)


def champion(folder: Path, name: str) -> str | None:
    """The version in use, or None where none was promoted."""
    pointer = path_of(folder, name) / "champion"
    if not pointer.exists():
        return None
    version = _read(pointer).decode(errors="replace").strip()
    if not _NAME.fullmatch(version):
        raise ModelFileError(f"{pointer} names no version: promote one again.")
    return version


def path_of(folder: Path, *names: str) -> Path:
    """Where a model or a version is; a ModelFileError for what is no name, or leads out of the folder by a link."""
    for name in names:
        if not _NAME.fullmatch(name):
            raise ModelFileError(f"{name!r} is no name of a model or version: use a-z, 0-9, '_', '.' and '-'.")
    path = folder.joinpath(*names)
    _refuse_outside(path, folder)
    return path


def _refuse_outside(path: Path, folder: Path) -> None:
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ModelFileError(f"{path} leads out of {folder} by a link: put the files themselves there.")


def _listed(libraries: Any) -> str:
    if not isinstance(libraries, dict):
        return "libraries that it does not name"
    return ", ".join(f"{name} {version}" for name, version in sorted(libraries.items()))


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _read(path: Path) -> bytes:
    if path.is_symlink():
        raise ModelFileError(f"{path} is a link: put the file itself there, or train the model again.")
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ModelFileError(f"{path} is missing: train the model again, or promote another version.") from error
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read ({error.strerror}): train the model again.") from error


def _canonical(content: bytes) -> bytes:
    """The same skops file without the time of day and the memory addresses that skops writes into it."""
    with zipfile.ZipFile(io.BytesIO(content)) as source:
        members = {name: source.read(name) for name in source.namelist()}
    numbers: dict[int, int] = {}
    files: dict[str, str] = {}

    def renumber(node: Any) -> Any:
        if isinstance(node, list):
            return [renumber(item) for item in node]
        if not isinstance(node, dict):
            return node
        renamed = {key: renumber(value) for key, value in node.items()}
        if isinstance(renamed.get("__id__"), int):
            renamed["__id__"] = numbers.setdefault(renamed["__id__"], len(numbers) + 1)
        if renamed.get("file") in members:
            old = renamed["file"]
            renamed["file"] = files.setdefault(old, f"{len(files) + 1}{Path(old).suffix}")
        return renamed

    schema = json.dumps(renumber(json.loads(members.pop("schema.json"))), indent=2)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for old, new in files.items():
            target.writestr(zipfile.ZipInfo(new, _ZIP_EPOCH), members[old], zipfile.ZIP_DEFLATED, compresslevel=1)
        target.writestr(zipfile.ZipInfo("schema.json", _ZIP_EPOCH), schema, zipfile.ZIP_DEFLATED, compresslevel=1)
    return buffer.getvalue()
