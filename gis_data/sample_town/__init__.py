"""The fictional town 禾川镇, written as the raw files a station would have, with planted truth."""

from gis_data.sample_town.files import NOT_FOR_IMPORT, write_sample
from gis_data.sample_town.reference import SAMPLE_NAME

SAMPLE_SEED = 20240101

__all__ = ["NOT_FOR_IMPORT", "SAMPLE_NAME", "SAMPLE_SEED", "write_sample"]
