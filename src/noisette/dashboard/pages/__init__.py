"""One module for each page, with a function `page`; imported when the page is first opened."""
