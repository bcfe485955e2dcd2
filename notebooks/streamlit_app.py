"""Revenue by day of the laptop's warehouse: `streamlit run streamlit_app.py`, beside a .ecomflow or with ECOMFLOW_DIR."""

import os

import duckdb
import streamlit as st

near = [folder for folder in (".ecomflow", "../.ecomflow") if os.path.isdir(folder)]
directory = os.environ.get("ECOMFLOW_DIR") or (near or [".ecomflow"])[0]


@st.cache_data(ttl=60)
def ask(sql):
    """Opens the file for the question alone: while it is open, ecomflow cannot load it."""
    with duckdb.connect(os.path.join(directory, "warehouse.duckdb"), read_only=True) as duck:
        return duck.execute(sql).df()


days = ask("select invoice_date::date as day, sum(quantity * unit_price) as revenue from ecomflow.transactions group by 1")
st.title("ecomflow")
st.metric("Revenue", f"{days['revenue'].sum():,.2f}")
st.line_chart(days.set_index("day")["revenue"].astype(float))
