"""Arrays as one file: an .npz that has the same bytes whenever it holds the same arrays."""

import io
import zipfile
from collections.abc import Mapping

import numpy as np

from gyre.errors import Invalid
from gyre.features.compute import Array

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first that a zip can tell; numpy writes the time of day


def dump_arrays(arrays: Mapping[str, Array]) -> bytes:
    """The file, by name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(arrays):
            array = io.BytesIO()
            np.lib.format.write_array(array, np.ascontiguousarray(arrays[name]), version=(1, 0), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", _EPOCH)
            archive.writestr(entry, array.getvalue(), zipfile.ZIP_DEFLATED, 6)
    return buffer.getvalue()


def load_arrays(content: bytes) -> dict[str, Array]:
    """What was dumped. Nothing in it is ever run: numpy refuses objects."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as found:
            return dict(found)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise Invalid(f"The bundle's arrays cannot be read: {error}") from None
