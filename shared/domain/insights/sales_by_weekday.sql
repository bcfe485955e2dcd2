-- question: On which days of the week does the shop turn over how much?
-- grain: one row for each day of the week on which something was ever sold
-- reads: transactions
-- range: rows
-- order: weekday
-- column: weekday integer weekday: 1 is Monday, 7 is Sunday, on the shop's clock
-- column: revenue decimal currency: Quantity times unit price, summed
-- column: orders integer orders: Invoices with a line of it
-- column: lines integer lines: Lines of invoices
-- column: pieces integer pieces: Pieces sold
-- column: average_order decimal currency: Revenue divided by orders, to the cent
-- cannot: Returns are not deducted: they are refused rows, counted in returns_by_product.
-- cannot: Sums, not averages: a range that is not whole weeks has some weekdays once more than others.
select
  (date_diff('day', date '1970-01-05', day) % 7 + 7) % 7 + 1 as weekday,
  cast(sum(quantity * unit_price) as decimal(38, 4)) as revenue,
  count(distinct invoice_no) as orders,
  count(*) as lines,
  cast(sum(quantity) as bigint) as pieces,
  cast(round(cast(sum(quantity * unit_price) as double) / count(distinct invoice_no), 2) as decimal(38, 2)) as average_order
from transactions
group by (date_diff('day', date '1970-01-05', day) % 7 + 7) % 7 + 1
