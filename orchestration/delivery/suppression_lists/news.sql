-- What is on SendGrid's lists and never landed: an entry is one by its list, address and time.
select distinct on (theirs.list, theirs.email, theirs.created) theirs.*
from theirs
anti join raw.sendgrid_suppressions as landed
    on theirs.list = landed.list and theirs.email = landed.email and cast(theirs.created as varchar) = landed.created
order by theirs.list, theirs.created, theirs.email
