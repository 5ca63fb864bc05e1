"""As in the report: streamlit run streamlit_dashboard.py. The application itself is noisette.dashboard."""

from noisette.dashboard.app import main

main()
