"""What the pages stand on: none of it knows Streamlit."""
