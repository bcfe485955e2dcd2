-- question: At which hours of the day does the shop turn over how much?
-- grain: one row for each hour of the day in which something was ever sold
-- reads: transactions
-- range: rows
-- order: hour
-- column: hour integer hour: Hour of the day from 0 to 23, on the shop's clock
-- column: revenue decimal currency: Quantity times unit price, summed
-- column: orders integer orders: Invoices with a line of it
-- column: lines integer lines: Lines of invoices
-- column: pieces integer pieces: Pieces sold
-- column: average_order decimal currency: Revenue divided by orders, to the cent
-- cannot: Returns are not deducted: they are refused rows, counted in returns_by_product.
-- cannot: An invoice with lines of two hours counts in both, so orders of hours may sum to more than those of the day.
select
  extract(hour from happened_at) as hour,
  cast(sum(quantity * unit_price) as decimal(38, 4)) as revenue,
  count(distinct invoice_no) as orders,
  count(*) as lines,
  cast(sum(quantity) as bigint) as pieces,
  cast(round(cast(sum(quantity * unit_price) as double) / count(distinct invoice_no), 2) as decimal(38, 2)) as average_order
from transactions
group by extract(hour from happened_at)
