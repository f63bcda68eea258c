"""The fictional town 禾川镇, written as the raw files a station would have, with planted truth."""
