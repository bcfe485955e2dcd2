-- question: Which countries bring how much revenue?
-- grain: one row for each country to which something was sold
-- reads: transactions
-- range: rows
-- order: revenue desc, country
-- column: country text: Country, as the shop writes it
-- column: revenue decimal currency: Quantity times unit price, summed
-- column: orders integer orders: Invoices with a line of the country
-- column: customers integer customers: Customers whom the shop knows
-- column: share number ratio: Part of the revenue of all countries, 0 to 1
-- cannot: Who is not known counts as no customer, and a customer who moved as one of each country.
-- cannot: A country in two spellings is two.
select
  country,
  cast(sum(quantity * unit_price) as decimal(38, 4)) as revenue,
  count(distinct invoice_no) as orders,
  count(distinct customer_id) as customers,
  round(cast(sum(quantity * unit_price) as double) / cast(sum(sum(quantity * unit_price)) over () as double), 4) as share
from transactions
group by country
