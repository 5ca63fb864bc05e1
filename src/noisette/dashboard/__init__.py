"""The Streamlit application: one file for each page, all work through the public API."""
