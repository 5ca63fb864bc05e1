"""The Streamlit application.

`pages` holds what each page shows, `widgets` their parts, `services` what needs no Streamlit.
"""
