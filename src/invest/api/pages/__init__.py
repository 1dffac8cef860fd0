"""Pages for people: a desk for those who invest, a console for those who run the platform."""

from invest.api.pages.page import page_of_refusal
from invest.api.pages.site import bind_pages

__all__ = ["bind_pages", "page_of_refusal"]
