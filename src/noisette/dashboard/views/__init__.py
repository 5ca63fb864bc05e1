"""One module for each page, with a function `page`; imported when the page is first opened.

The folder is not called `pages`: Streamlit takes a folder of that name beside its script for scripts of its own.
"""
