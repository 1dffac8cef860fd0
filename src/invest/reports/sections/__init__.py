"""Parts of reports: each builds one section of a view from data, in the words of one language."""
