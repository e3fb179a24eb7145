-- Whom we do not write to and SendGrid would. A block is no suppression: it let one message fail.
select ours.email
from core.suppressed_emails as ours
where
    ours.email not in (
        select lower(trim(theirs.email))
        from theirs
        where theirs.list <> 'blocks' and theirs.email is not null
    )
order by ours.email
