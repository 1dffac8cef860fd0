"""View models and their renderings: Markdown, HTML, PDF."""
