-- question: How many orders came in, hour by hour?
-- grain: one row for each hour of a day in which something was ordered
-- reads: transactions
-- range: rows
-- order: day, hour
-- column: day date: Day of the orders, on the shop's clock
-- column: hour integer hour: Hour of the day from 0 to 23, on the shop's clock
-- column: orders integer orders: Invoices with a line of the hour
-- column: revenue decimal currency: Quantity times unit price, summed
-- cannot: An hour without a row is one without an order: whether the shop was open then, it does not know.
-- cannot: An invoice with lines of two hours counts in both.
select
  day,
  extract(hour from happened_at) as hour,
  count(distinct invoice_no) as orders,
  cast(sum(quantity * unit_price) as decimal(38, 4)) as revenue
from transactions
group by day, extract(hour from happened_at)
