"""Programs that answer requests; they load what was published and import no training code."""
