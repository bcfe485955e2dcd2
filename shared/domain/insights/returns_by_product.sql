-- question: Which products come back?
-- grain: one row for each product of which something was cancelled
-- reads: refused
-- uses: products
-- range: rows
-- order: value desc, stock_code
-- column: stock_code text: Code of the product
-- column: description text: Its name as it is sold most; where it was not sold, the first by its bytes of the cancelled lines
-- column: returned integer pieces: Pieces that came back, or never went
-- column: value decimal currency: What they were cancelled at, quantity times unit price, summed
-- column: cancellations integer orders: Invoices that cancel the product
-- column: sold integer pieces: Pieces sold in the same days, 0 where none were
-- column: return_rate number ratio: Returned divided by sold; null where none were sold
-- cannot: A cancellation does not name its sale: it counts on its own day, and a sale before the first day asked for is not there. So a rate may be over 1.
-- cannot: Cancellations that a version before this one refused are missing: it did not keep their values.
-- cannot: Two cancelled lines that are alike in all count once.
select
  cancelled.stock_code,
  coalesce(products.description, cancelled.description) as description,
  returned,
  value,
  cancellations,
  coalesce(pieces, 0) as sold,
  round(cast(returned as double) / pieces, 4) as return_rate
from (
  select
    stock_code,
    min(description) as description,
    cast(-sum(quantity) as bigint) as returned,
    cast(-sum(quantity * unit_price) as decimal(38, 4)) as value,
    count(distinct invoice_no) as cancellations
  from refused
  where reason = 'cancellation' and quantity < 0
  group by stock_code
) as cancelled
left join products on products.stock_code = cancelled.stock_code
