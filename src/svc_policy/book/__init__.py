"""Print a policy: as a document that is read and signed, and its forms as sheets that are filled in."""

from svc_policy.book.book import book_page
from svc_policy.book.forms import FormSheet, find_form, form_page, form_sheet

__all__ = ["FormSheet", "book_page", "find_form", "form_page", "form_sheet"]
