"""Parts of pages: what draws itself with Streamlit and keeps its values in the session."""
