-- Removes the audit log; its indexes go with it.
DROP TABLE public.activity_log;
