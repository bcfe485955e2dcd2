-- question: What does the shop turn over, month by month?
-- grain: one row for each month in which something was sold
-- reads: transactions
-- range: rows
-- order: month
-- column: month date: First day of the month, on the shop's clock
-- column: revenue decimal currency: Quantity times unit price, summed
-- column: orders integer orders: Invoices with a line of it
-- column: lines integer lines: Lines of invoices
-- column: pieces integer pieces: Pieces sold
-- column: average_order decimal currency: Revenue divided by orders, to the cent
-- cannot: Returns are not deducted: they are refused rows, counted in returns_by_product.
-- cannot: The first and the last month have only the days that are asked for: a month under way is no bad month.
select
  cast(date_trunc('month', day) as date) as month,
  cast(sum(quantity * unit_price) as decimal(38, 4)) as revenue,
  count(distinct invoice_no) as orders,
  count(*) as lines,
  cast(sum(quantity) as bigint) as pieces,
  cast(round(cast(sum(quantity * unit_price) as double) / count(distinct invoice_no), 2) as decimal(38, 2)) as average_order
from transactions
group by cast(date_trunc('month', day) as date)
