-- question: What does the shop turn over, day by day?
-- grain: one row for each day on which something was sold
-- reads: transactions
-- range: rows
-- order: day
-- column: day date: Day of the sale, on the shop's clock
-- column: revenue decimal currency: Quantity times unit price, summed
-- column: orders integer orders: Invoices with a line of the day
-- column: lines integer lines: Lines of invoices
-- column: pieces integer pieces: Pieces sold
-- column: average_order decimal currency: Revenue divided by orders, to the cent
-- cannot: Returns are not deducted: they are refused rows, counted in returns_by_product.
-- cannot: An invoice with lines of two days counts on both, so orders of days may sum to more than those of the month.
select
  day,
  cast(sum(quantity * unit_price) as decimal(38, 4)) as revenue,
  count(distinct invoice_no) as orders,
  count(*) as lines,
  cast(sum(quantity) as bigint) as pieces,
  cast(round(cast(sum(quantity * unit_price) as double) / count(distinct invoice_no), 2) as decimal(38, 2)) as average_order
from transactions
group by day
