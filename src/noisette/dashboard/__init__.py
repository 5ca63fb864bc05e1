"""The Streamlit application.

`views` holds what each page shows, `widgets` their parts, `services` what needs no Streamlit.
"""
