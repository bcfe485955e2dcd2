-- relation: an invoice; where its lines differ in day, customer or country, it has the least of each
-- reads: transactions
select
  invoice_no,
  min(day) as day,
  min(customer_id) as customer_id,
  min(country) as country,
  cast(sum(quantity * unit_price) as decimal(38, 4)) as revenue
from transactions
group by invoice_no
